// @ts-check
/** A script's system calls as the kernel takes them: numbers, and bytes for what pointers point to (kernel-world.c says how each is written). */
import { CONSTANTS } from '../../dist/script/constants.js';
import { controlOf } from '../../dist/script/control-messages.js';
import { isNull, socketAddressOf } from '../../dist/script/socket-address.js';
import { fieldAt, fieldOf, iovBytes, numberOf, textOf, Unsupported } from '../../dist/script/values.js';

/**
 * @typedef {import('../../dist/script/ast.js').Call} Call
 * @typedef {import('../../dist/script/ast.js').Expression} Expression
 * @typedef {import('../../dist/ip/address.js').Address} Address
 * @typedef {import('../../dist/script/socket.js').Result} Result
 *
 * @typedef {object} Prepared
 * @property {string} name
 * @property {(string | number)[]} args
 * @property {(memory: Buffer[]) => Result['data']} [data] what it wrote, from the memory that was asked for
 */

const DEFAULT_PORT = 8080;
const AF_INET = 2;
const AF_INET6 = 10;
const MSG_NOSIGNAL = 0x4000;
const SOL_SOCKET = 1;

const bytes = (/** @type {Buffer} */ b) => `b${b.toString('hex')}`;

/** @param {...number} values */
function ints(...values) {
  const b = Buffer.alloc(4 * values.length);
  values.forEach((v, i) => b.writeInt32LE(v | 0, 4 * i));
  return b;
}

/** @param {Expression | undefined} e */
function symbolOf(e) {
  if (e?.kind === 'symbol') return e.name;
  throw new Unsupported('an option that is not written by its name');
}

/** @param {Address} address @param {number} port */
function socketAddress(address, port) {
  const isIpv4 = address.version === 4;
  const b = Buffer.alloc(isIpv4 ? 16 : 28);
  b.writeUInt16LE(isIpv4 ? AF_INET : AF_INET6, 0);
  b.writeUInt16BE(port, 2);
  if (isIpv4) b.writeUInt32BE(address.w3 >>> 0, 4);
  else [address.w0, address.w1, address.w2, address.w3].forEach((w, i) => b.writeUInt32BE(w >>> 0, 8 + 4 * i));
  return b;
}

/**
 * @param {Call} call
 * @param {{ local: Address, remote: Address, fd: (script: number) => number }} world
 * @returns {Prepared} throws Unsupported
 */
export function prepare(call, world) {
  const { args } = call;
  const n = (/** @type {number} */ i) => numberOf(args[i]) ?? 0;
  const fd = call.name === 'socket' || call.name === 'poll' ? -1 : world.fd(n(0));
  switch (call.name) {
    case 'socket': {
      const domain = world.local.version === 4 ? AF_INET : AF_INET6;
      return { name: 'socket', args: [numberOf(args[0]) ?? domain, numberOf(args[1]) ?? 1, 6] };
    }
    case 'bind': {
      const said = socketAddressOf(args[1]);
      const address = socketAddress(said.address ?? world.local, said.port ?? DEFAULT_PORT);
      return { name: 'bind', args: [fd, bytes(address), address.length] };
    }
    case 'listen':
      return { name: 'listen', args: [fd, n(1)] };
    case 'accept':
      return { name: 'accept4', args: [fd, 0, 0, 0] };
    case 'accept4':
      return { name: 'accept4', args: [fd, 0, 0, n(3)] };
    case 'connect': {
      const address = socketAddress(world.remote, socketAddressOf(args[1]).port ?? DEFAULT_PORT);
      return { name: 'connect', args: [fd, bytes(address), address.length] };
    }
    // The kernel sends the same whether one buffer is gathered or several.
    case 'write':
      return send(fd, n(2), 0, null, args[1]);
    case 'writev':
      return send(fd, iovBytes(args[1]), 0);
    case 'send':
      return send(fd, n(2), n(3), null, args[1]);
    case 'sendmsg':
      return send(fd, iovBytes(fieldOf(args[1], 'msg_iov')), n(2), fastOpen(n(2)));
    case 'sendto':
      return send(fd, n(2), n(3), fastOpen(n(3)), args[1]);
    case 'read':
      // Of recv() nothing is not nothing: it waits for data all the same.
      if (n(2) <= 0) return { name: 'read', args: [fd, 'n1', n(2)] };
      return receive(fd, n(2), 0, args[1]);
    case 'readv':
      return receive(fd, iovBytes(args[1]), 0);
    case 'recv':
    case 'recvfrom':
      return receive(fd, n(2), n(3), args[1]);
    case 'recvmsg':
      if (controlOf(args[1]).length > 0) throw new Unsupported('control messages of the kernel are not read');
      return receive(fd, iovBytes(fieldOf(args[1], 'msg_iov')), n(2));
    case 'close':
      return { name: 'close', args: [fd] };
    case 'shutdown':
      return { name: 'shutdown', args: [fd, n(1)] };
    case 'fcntl':
      return { name: 'fcntl', args: [fd, n(1), n(2)] };
    case 'ioctl':
      return { name: 'ioctl', args: [fd, n(1), 'o4'], data: ([value]) => value?.readInt32LE(0) };
    case 'setsockopt':
      return setOption(fd, args);
    case 'getsockopt':
      return getOption(fd, args);
    case 'poll':
      return poll(args, world.fd);
    default:
      throw new Unsupported(`the system call '${call.name}' is not known`);
  }

  /** @param {number} flags */
  function fastOpen(flags) {
    return (flags & (CONSTANTS['MSG_FASTOPEN'] ?? 0)) !== 0 ? socketAddress(world.remote, DEFAULT_PORT) : null;
  }
}

/** @param {number} fd @param {number} count @param {number} flags @param {Buffer | null} [to] @param {Expression} [at] @returns {Prepared} */
function send(fd, count, flags, to = null, at) {
  const address = to === null ? [0, 0] : [bytes(to), to.length];
  return { name: 'sendto', args: [fd, isNull(at) ? 0 : `n${count}`, count, flags | MSG_NOSIGNAL, ...address] };
}

/** @param {number} fd @param {number} count @param {number} flags @param {Expression} [at] @returns {Prepared} */
const receive = (fd, count, flags, at) => ({
  name: 'recvfrom',
  args: [fd, isNull(at) ? 0 : `n${count}`, count, flags, 0, 0],
});

/** @param {number} fd @param {readonly Expression[]} args @returns {Prepared} */
function setOption(fd, args) {
  const name = symbolOf(args[2]);
  /** @type {Buffer} */
  let value;
  if (name === 'TCP_CONGESTION') value = Buffer.from(textOf(args[3]) ?? '');
  else if (name === 'SO_LINGER') {
    const field = (/** @type {string} */ f, /** @type {number} */ at) =>
      numberOf(fieldAt(args[3], at, f, `l_${f}`)) ?? 0;
    value = ints(field('onoff', 0), field('linger', 1));
  } else if (name === 'SO_RCVTIMEO' || name === 'SO_SNDTIMEO') {
    value = Buffer.alloc(16);
    value.writeBigInt64LE(BigInt(numberOf(fieldOf(args[3], 'tv_sec')) ?? 0), 0);
    value.writeBigInt64LE(BigInt(numberOf(fieldOf(args[3], 'tv_usec')) ?? 0), 8);
  } else value = ints(numberOf(args[3]) ?? 0);
  return {
    name: 'setsockopt',
    args: [fd, levelOf(args), optionOf(name), bytes(value), numberOf(args[4]) ?? value.length],
  };
}

/** @param {number} fd @param {readonly Expression[]} args @returns {Prepared} */
function getOption(fd, args) {
  const name = symbolOf(args[2]);
  const isText = name === 'TCP_CONGESTION';
  const length = isText ? 16 : 4;
  return {
    name: 'getsockopt',
    args: [fd, levelOf(args), optionOf(name), `o${length}`, bytes(ints(length))],
    data: ([value]) => (isText ? value?.toString('latin1').replace(/\0.*$/, '') : value?.readInt32LE(0)),
  };
}

/** @param {readonly Expression[]} args */
const levelOf = (args) => numberOf(args[1]) ?? SOL_SOCKET;

/** @param {string} name */
function optionOf(name) {
  const number = CONSTANTS[name];
  if (number === undefined) throw new Unsupported(`the socket option ${name} is not known`);
  return number;
}

/** @param {readonly Expression[]} args @param {(script: number) => number} fdOf @returns {Prepared} */
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
    data: ([answered]) => {
      const mismatch = wanted.findIndex((e, i) => {
        const expected = numberOf(fieldOf(e, 'revents'));
        return expected !== null && expected !== answered?.readInt16LE(8 * i + 6);
      });
      return mismatch < 0 ? undefined : `revents of entry ${mismatch} is ${answered?.readInt16LE(8 * mismatch + 6)}`;
    },
  };
}
