// @ts-check
/**
 * Translates a script's system calls for the kernel: numbers, and bytes for the targets of pointers
 * (kernel-world.c documents the notation).
 */
import { Address } from '../../dist/ip/address.js';
import { CONSTANTS } from '../../dist/lab/script/constants.js';
import { controlOf, controlText } from '../../dist/lab/script/control-messages.js';
import { dataOf, differenceOf } from '../../dist/lab/script/epoll.js';
import { isNull, isUnspecified, socketAddressOf } from '../../dist/lab/script/socket-address.js';
import {
  fieldAt,
  fieldOf,
  iovBytes,
  numberOf,
  textOf,
  Unsupported,
} from '../../dist/lab/script/values.js';

/**
 * @typedef {import('../../dist/lab/script/ast.js').Call} Call
 * @typedef {import('../../dist/lab/script/ast.js').Expression} Expression
 * @typedef {import('../../dist/lab/script/socket.js').Result} Result
 * @typedef {import('../../dist/lab/script/control-messages.js').ControlMessage} ControlMessage
 *
 * @typedef {object} Prepared
 * @property {string} name
 * @property {(string | number)[]} args
 * @property {(memory: Buffer[], value: number) => Partial<Result>} [wrote] the part of its result
 *   that is in the returned memory
 *
 * @typedef {object} World
 * @property {Address} local
 * @property {Address} remote
 * @property {number} bindPort of bind(fd, ..., ...)
 * @property {number} connectPort of connect(fd, ..., ...)
 * @property {boolean} v4Mapped IPv6 sockets, IPv4 packets
 * @property {(script: number) => number} fd
 * @property {(path: string) => string} file the path of a script's file
 */

const AF_INET = 2;
const AF_INET6 = 10;
const AT_FDCWD = -100;
const MSG_NOSIGNAL = 0x4000;
const SOL_SOCKET = 1;
const SOL_TCP = 6;
const ADDRESS_BYTES = 28;
/** It is packed on x86-64 only. */
const EPOLL_EVENT = process.arch === 'x64' ? { bytes: 12, dataAt: 4 } : { bytes: 16, dataAt: 8 };
const SIGSET_BYTES = 8;
/** The size of a struct cmsghdr with one number, and its alignment. */
const CONTROL_HEADER_BYTES = 16;
const CONTROL_BYTES = 24;

const bytes = (/** @type {Buffer} */ b) => `b${b.toString('hex')}`;

/** @param {...number} values */
function ints(...values) {
  const b = Buffer.alloc(4 * values.length);
  values.forEach((v, i) => b.writeInt32LE(v | 0, 4 * i));
  return b;
}

/** @param {Address} address @param {number} port */
function socketAddress(address, port) {
  const isIpv4 = address.version === 4;
  const b = Buffer.alloc(isIpv4 ? 16 : 28);
  b.writeUInt16LE(isIpv4 ? AF_INET : AF_INET6, 0);
  b.writeUInt16BE(port, 2);
  if (isIpv4) b.writeUInt32BE(address.w3 >>> 0, 4);
  else
    [address.w0, address.w1, address.w2, address.w3].forEach((w, i) =>
      b.writeUInt32BE(w >>> 0, 8 + 4 * i),
    );
  return b;
}

/** @param {Buffer} b @returns {NonNullable<Result['address']>} */
function readSocketAddress(b) {
  const family = b.readUInt16LE(0);
  const words = [0, 1, 2, 3].map((i) => b.readInt32BE(8 + 4 * i));
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = words;
  const address =
    family === AF_INET ? Address.v4(b.readInt32BE(4)) : Address.fromWords(w0, w1, w2, w3);
  return { family, port: b.readUInt16BE(2), address };
}

/** Calls whose first argument is not a descriptor of the script. */
const WITHOUT_DESCRIPTOR = new Set(['socket', 'poll', 'open', 'epoll_create', 'epoll_create1']);

/** Calls with arguments that are not numbers. */
const UNKNOWN = new Set(['pipe', 'splice', 'vmsplice', 'tee', 'cap_set']);

/** @param {Address} a */
const mapped = (a) => Address.fromWords(0, 0, 0xffff, a.w3);

/**
 * @param {Call} call
 * @param {World} world
 * @returns {Prepared} throws Unsupported
 */
export function prepare(call, world) {
  const { args } = call;
  const n = (/** @type {number} */ i) => numberOf(args[i]) ?? 0;
  const own = (/** @type {Address} */ a) => (world.v4Mapped && a.version === 4 ? mapped(a) : a);
  if (UNKNOWN.has(call.name))
    throw new Unsupported(`the system call '${call.name}' is not supported here`);
  const fd = WITHOUT_DESCRIPTOR.has(call.name) ? -1 : world.fd(n(0));
  switch (call.name) {
    case 'socket': {
      const domain = own(world.local).version === 4 ? AF_INET : AF_INET6;
      return { name: 'socket', args: [numberOf(args[0]) ?? domain, numberOf(args[1]) ?? 1, 6] };
    }
    case 'bind': {
      const said = socketAddressOf(args[1]);
      const address = socketAddress(own(said.address ?? world.local), said.port ?? world.bindPort);
      return { name: 'bind', args: [fd, bytes(address), address.length] };
    }
    case 'listen':
      return { name: 'listen', args: [fd, n(1)] };
    case 'accept':
    case 'accept4':
      return {
        name: 'accept4',
        args: [
          fd,
          `o${ADDRESS_BYTES}`,
          bytes(ints(ADDRESS_BYTES)),
          call.name === 'accept4' ? n(3) : 0,
        ],
        wrote: ([address]) =>
          address === undefined ? {} : { address: readSocketAddress(address) },
      };
    case 'connect': {
      if (isUnspecified(args[1]))
        return { name: 'connect', args: [fd, bytes(Buffer.alloc(16)), 16] };
      const address = socketAddress(
        own(world.remote),
        socketAddressOf(args[1]).port ?? world.connectPort,
      );
      return { name: 'connect', args: [fd, bytes(address), address.length] };
    }
    // The kernel sends the same for one buffer as for several.
    case 'write':
      return send(fd, n(2), 0, null, args[1]);
    case 'writev':
      return send(fd, iovBytes(args[1]), 0);
    case 'send':
      return send(fd, n(2), n(3), null, args[1]);
    case 'sendmsg':
      if (controlOf(args[1]).length > 0)
        throw new Unsupported('control messages (msg_control) of sendmsg() are not supported');
      return send(fd, iovBytes(fieldOf(args[1], 'msg_iov')), n(2), fastOpen(n(2)));
    case 'sendto':
      return send(fd, n(2), n(3), fastOpen(n(3)), args[1]);
    case 'read':
      // read() of 0 bytes returns at once, but recv() of 0 bytes would wait for data.
      if (n(2) <= 0) return { name: 'read', args: [fd, 'n1', n(2)] };
      return receive(fd, n(2), 0, args[1]);
    case 'readv':
      return receive(fd, iovBytes(args[1]), 0);
    case 'recv':
    case 'recvfrom':
      return receive(fd, n(2), n(3), args[1]);
    case 'recvmsg':
      return receiveMessage(fd, args);
    case 'close':
      return { name: 'close', args: [fd] };
    case 'shutdown':
      return { name: 'shutdown', args: [fd, n(1)] };
    case 'fcntl':
      return { name: 'fcntl', args: [fd, n(1), n(2)] };
    case 'ioctl':
      return {
        name: 'ioctl',
        args: [fd, n(1), 'o4'],
        wrote: ([value]) => dataIn(value?.readInt32LE(0)),
      };
    case 'setsockopt':
      return setOption(fd, args);
    case 'getsockopt':
      return getOption(fd, args);
    case 'poll':
      return poll(args, world.fd);
    case 'open':
      return {
        name: 'openat',
        args: [AT_FDCWD, bytes(Buffer.from(`${pathOf(args[0], world)}\0`)), n(1), 0o600],
      };
    case 'sendfile':
      return sendFile(fd, args, world.fd);
    case 'epoll_create':
      // Not every architecture has epoll_create. The invalid flags -1 give EINVAL, as a size below
      // 1 does.
      return { name: 'epoll_create1', args: [n(0) > 0 ? 0 : -1] };
    case 'epoll_create1':
      return { name: 'epoll_create1', args: [n(0)] };
    case 'epoll_ctl':
      return {
        name: 'epoll_ctl',
        args: [fd, n(1), world.fd(n(2)), isNull(args[3]) ? 0 : epollEvent(args[3])],
      };
    case 'epoll_wait':
      return epollWait(fd, args);
    default:
      throw new Unsupported(`the system call '${call.name}' is not supported`);
  }

  /** @param {number} flags */
  function fastOpen(flags) {
    return (flags & (CONSTANTS['MSG_FASTOPEN'] ?? 0)) !== 0
      ? socketAddress(own(world.remote), world.connectPort)
      : null;
  }
}

/**
 * @param {number} fd @param {number} count @param {number} flags @param {Buffer | null} [to] @param
 *   {Expression} [at] @returns {Prepared}
 */
function send(fd, count, flags, to = null, at) {
  const address = to === null ? [0, 0] : [bytes(to), to.length];
  return {
    name: 'sendto',
    args: [fd, isNull(at) ? 0 : `n${count}`, count, flags | MSG_NOSIGNAL, ...address],
  };
}

/**
 * @param {number} fd @param {number} count @param {number} flags @param {Expression} [at] @returns
 *   {Prepared}
 */
const receive = (fd, count, flags, at) => ({
  name: 'recvfrom',
  args: [fd, isNull(at) ? 0 : `n${count}`, count, flags, 0, 0],
});

/** @param {number} fd @param {readonly Expression[]} args @returns {Prepared} */
function receiveMessage(fd, [, message, flags]) {
  const wanted = controlOf(message);
  for (const one of wanted) controlText(one);
  return {
    name: 'recvmsg',
    args: [
      fd,
      `m${iovBytes(fieldOf(message, 'msg_iov'))},${CONTROL_BYTES * wanted.length}`,
      numberOf(flags) ?? 0,
    ],
    wrote: ([memory]) => ({
      messageFlags: memory?.readInt32LE(0) ?? 0,
      ...(wanted.length > 0
        ? { control: controlMessages(memory?.subarray(4) ?? Buffer.alloc(0)) }
        : {}),
    }),
  };
}

/** @param {Buffer} b @returns {ControlMessage[]} */
function controlMessages(b) {
  /** @type {ControlMessage[]} */
  const messages = [];
  for (let at = 0; at + CONTROL_HEADER_BYTES < b.length;) {
    const length = Number(b.readBigUInt64LE(at));
    const [level, type] = [b.readInt32LE(at + 8), b.readInt32LE(at + 12)];
    messages.push({ level, type, data: b.readInt32LE(at + CONTROL_HEADER_BYTES) });
    at += Math.ceil(length / 8) * 8;
  }
  return messages;
}

/** @param {number | string | undefined} data @returns {Partial<Result>} */
const dataIn = (data) => (data === undefined ? {} : { data });

/** @param {Expression | undefined} e @param {World} world */
function pathOf(e, world) {
  const path = textOf(e);
  if (path === null) throw new Unsupported('the path of open() must be a quoted string');
  return world.file(path);
}

/**
 * @param {number} fd @param {readonly Expression[]} args @param {(script: number) => number} fdOf
 *   @returns {Prepared}
 */
function sendFile(fd, args, fdOf) {
  const offset = Buffer.alloc(8);
  offset.writeBigInt64LE(BigInt(isNull(args[2]) ? 0 : (numberOf(args[2]) ?? 0)));
  const from = fdOf(numberOf(args[1]) ?? -1);
  return {
    name: 'sendfile',
    args: [fd, from, isNull(args[2]) ? 0 : bytes(offset), numberOf(args[3]) ?? 0],
  };
}

/** @param {Expression | undefined} e */
function epollEvent(e) {
  const b = Buffer.alloc(EPOLL_EVENT.bytes);
  b.writeUInt32LE((numberOf(fieldAt(e, 0, 'events')) ?? 0) >>> 0, 0);
  b.writeBigInt64LE(BigInt(dataOf(e) ?? 0), EPOLL_EVENT.dataAt);
  return bytes(b);
}

/** @param {number} fd @param {readonly Expression[]} args @returns {Prepared} */
function epollWait(fd, args) {
  const wanted = args[1]?.kind === 'list' ? args[1].items : [args[1]];
  const most = numberOf(args[2]) ?? 1;
  return {
    name: 'epoll_pwait',
    args: [
      fd,
      `o${EPOLL_EVENT.bytes * Math.max(1, most)}`,
      most,
      numberOf(args[3]) ?? 0,
      0,
      SIGSET_BYTES,
    ],
    wrote: ([memory = Buffer.alloc(0)], value) => {
      const differences = Array.from({ length: value }, (_, i) => {
        const at = i * EPOLL_EVENT.bytes;
        const data = Number(memory.readBigInt64LE(at + EPOLL_EVENT.dataAt));
        return differenceOf({ events: memory.readUInt32LE(at), data }, wanted[i]);
      }).filter((text) => text !== '');
      return differences.length === 0 ? {} : { mismatch: differences.join(', ') };
    },
  };
}

/** @param {readonly Expression[]} args by their numbers, as for the kernel */
function optionOf([, at, name]) {
  if (name?.kind === 'symbol' && !Object.hasOwn(CONSTANTS, name.name))
    throw new Unsupported(`the socket option ${name.name} is not supported`);
  const [level, number] = [numberOf(at), numberOf(name)];
  if (level === null || number === null)
    throw new Unsupported('a socket option needs a level and a name');
  const is = (/** @type {number} */ of, /** @type {string[]} */ ...names) =>
    level === of && names.some((n) => CONSTANTS[n] === number);
  return {
    level,
    number,
    isText: is(SOL_TCP, 'TCP_CONGESTION', 'TCP_FASTOPEN_KEY'),
    isName: is(SOL_TCP, 'TCP_CONGESTION'),
    isLinger: is(SOL_SOCKET, 'SO_LINGER'),
    isTime: is(SOL_SOCKET, 'SO_RCVTIMEO', 'SO_SNDTIMEO'),
  };
}

/** @param {number} fd @param {readonly Expression[]} args @returns {Prepared} */
function setOption(fd, args) {
  const option = optionOf(args);
  const value = optionValue(option, args[3]);
  const length = numberOf(args[4]) ?? value.length;
  const whole = Buffer.concat([value, Buffer.alloc(Math.max(0, length - value.length))]);
  return { name: 'setsockopt', args: [fd, option.level, option.number, bytes(whole), length] };
}

/** @param {ReturnType<typeof optionOf>} option @param {Expression | undefined} e */
function optionValue({ isText, isLinger, isTime }, e) {
  if (isText) return Buffer.from(textOf(e) ?? '', 'latin1');
  const field = (/** @type {number} */ at, /** @type {string[]} */ ...names) =>
    numberOf(fieldAt(e, at, ...names)) ?? 0;
  if (isLinger) return ints(field(0, 'onoff', 'l_onoff'), field(1, 'linger', 'l_linger'));
  if (!isTime) return ints(numberOf(e) ?? 0);
  const value = Buffer.alloc(16);
  value.writeBigInt64LE(BigInt(field(0, 'tv_sec')), 0);
  value.writeBigInt64LE(BigInt(field(1, 'tv_usec')), 8);
  return value;
}

/** @param {number} fd @param {readonly Expression[]} args @returns {Prepared} */
function getOption(fd, args) {
  const { level, number, isText, isName } = optionOf(args);
  const length = isName ? 16 : isText ? (numberOf(args[4]) ?? 4) : 4;
  return {
    name: 'getsockopt',
    args: [fd, level, number, `o${length}`, `x${ints(length).toString('hex')}`],
    wrote: ([value, written]) => {
      const text = value?.subarray(0, written?.readInt32LE(0)).toString('latin1');
      return dataIn(isName ? text?.replace(/\0.*$/, '') : isText ? text : value?.readInt32LE(0));
    },
  };
}

/**
 * @param {readonly Expression[]} args @param {(script: number) => number} fdOf @returns {Prepared}
 */
function poll(args, fdOf) {
  const wanted = args[0]?.kind === 'list' ? args[0].items : [];
  const fds = Buffer.alloc(8 * wanted.length);
  wanted.forEach((e, i) => {
    fds.writeInt32LE(fdOf(numberOf(fieldOf(e, 'fd')) ?? -1), 8 * i);
    fds.writeInt16LE(numberOf(fieldOf(e, 'events')) ?? 0, 8 * i + 4);
  });
  const timeout = numberOf(args[2]) ?? 0;
  const timespec = Buffer.alloc(16);
  timespec.writeBigInt64LE(BigInt(Math.floor(timeout / 1000)), 0);
  timespec.writeBigInt64LE(BigInt((timeout % 1000) * 1_000_000), 8);
  return {
    name: 'ppoll',
    args: [`x${fds.toString('hex')}`, wanted.length, timeout < 0 ? 0 : bytes(timespec), 0, 0],
    wrote: ([answered]) => {
      const mismatch = wanted.findIndex((e, i) => {
        const expected = numberOf(fieldOf(e, 'revents'));
        return expected !== null && expected !== answered?.readInt16LE(8 * i + 6);
      });
      return mismatch < 0
        ? {}
        : {
            mismatch: `revents of entry ${mismatch} is ${answered?.readInt16LE(8 * mismatch + 6)}`,
          };
    },
  };
}
