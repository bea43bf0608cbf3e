/**
 * Functions of the scripts that run inside a private network namespace. Each script is
 * `node SCRIPT.mjs SCENARIO [ARGUMENT ...]`. It runs the compiled driver against the real kernel,
 * and prints its results as JSON, which the test checks.
 */
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** @param {string} path below dist/ */
export const dist = (path) => import(new URL(`../../../dist/${path}`, import.meta.url).href);

export const { TunDevice } = await dist('device/tun/tun.js');
export const { native } = await dist('device/tun/native.js');
export const { setUpInterface } = await dist('lab/cli/lab-network.js');
export const { Prefix } = await dist('ip/address.js');
export const { Drop } = await dist('wire/drop.js');
export const { Slab } = await dist('base/slab.js');

export const KERNEL = '198.18.0.1';
export const STACK = '198.18.0.2';

/** Monotone microseconds. */
export const clock = () => Math.round(performance.now() * 1000);

/** @param {Record<string, (...args: string[]) => unknown>} all */
export async function scenarios(all) {
  const [name = '', ...args] = process.argv.slice(2);
  const scenario = all[name];
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  process.stdout.write(JSON.stringify((await scenario(...args)) ?? null));
}

/** @param {object} [options] */
export const open = (options = {}) => TunDevice.open({ name: 'test0', clock, ...options });

/** @param {string[]} args */
export const ip = (...args) => execFileSync('ip', args, { encoding: 'utf8' });

/** @param {string} name @param {string} file */
export const sys = (name, file) => readFileSync(`/sys/class/net/${name}/${file}`, 'latin1').trim();

/** Sets the device up, with the kernel's addresses. @param {string} name */
export const address = (name, mtu = 1500, addresses = [`${KERNEL}/24`]) =>
  setUpInterface(
    name,
    mtu,
    addresses.map((text) => Prefix.parse(text)),
  );

/**
 * Code and message of the error that an operation threw, or null. @param {() => unknown} operation
 */
export function thrown(operation) {
  try {
    operation();
    return null;
  } catch (error) {
    return { code: error.code, message: error.message };
  }
}

/**
 * Waits for `predicate` for at most 5 s. @param {() => boolean} predicate @param {string} what
 */
export async function until(predicate, what) {
  for (const end = performance.now() + 5000; performance.now() < end; await sleep(2))
    if (predicate()) return;
  throw new Error(`timeout while waiting for ${what}`);
}

/** The open descriptors of this process, without the one used to list them. */
export const descriptors = () => readdirSync('/proc/self/fd').length - 1;

/** A receiver that records copies of the IPv4 packets, errors and drops. */
export class Seen {
  /** @type {Buffer[]} */ packets = [];
  /** @type {{ code: string, message: string, fatal: boolean }[]} */ errors = [];
  /** @type {{ reason: number, count: number }[]} */ drops = [];
  batches = 0;
  /** @param {any} rx */
  packet(rx) {
    const from = rx.slab.bytes.subarray(rx.offset, rx.offset + rx.length);
    if (from[0] >> 4 === 4) this.packets.push(Buffer.from(from));
  }
  batchEnd() {
    this.batches++;
  }
  /** @param {any} error @param {boolean} fatal */
  deviceError(error, fatal) {
    this.errors.push({ code: error.code, message: error.message, fatal });
  }
  /** @param {number} reason @param {number} count */
  deviceDrop(reason, count) {
    this.drops.push({ reason, count });
  }
}

/**
 * An IPv4 UDP packet from the stack's address to the kernel's, without a UDP checksum. @param
 * {Uint8Array} payload
 */
export function udpPacket(payload, port = 7777) {
  const p = Buffer.alloc(28 + payload.length);
  p.set([
    0x45,
    0,
    p.length >> 8,
    p.length & 255,
    0,
    0,
    0x40,
    0,
    64,
    17,
    0,
    0,
    198,
    18,
    0,
    2,
    198,
    18,
    0,
    1,
  ]);
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += p.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  p.writeUInt16BE(~sum & 0xffff, 10);
  p.writeUInt16BE(5555, 20);
  p.writeUInt16BE(port, 22);
  p.writeUInt16BE(8 + payload.length, 24);
  p.set(payload, 28);
  return p;
}

/** Bytes that depend on the seed. @param {number} length @param {number} seed */
export const pattern = (length, seed) =>
  Buffer.from(Uint8Array.from({ length }, (_, i) => i * 7 + seed));

/**
 * An ICMP echo request from the stack to the kernel, which answers each one, so that as many
 * packets arrive as are sent. @param {number} bytes
 */
export function echoRequest(bytes) {
  const p = udpPacket(pattern(bytes - 28, 3));
  p[9] = 1;
  p.fill(0, 28, 36); // for a number and its complement
  p.set([8, 0, 0, 0], 20);
  for (const [from, to, field] of [
    [0, 20, 10],
    [20, bytes, 22],
  ]) {
    p.writeUInt16BE(0, field);
    let sum = 0;
    for (let i = from; i < to; i += 2) sum += p[i] * 256 + (p[i + 1] ?? 0);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    p.writeUInt16BE(~sum & 0xffff, field);
  }
  return p;
}

/**
 * Fills the device's next packet, all in its slab. @param {any} device @param {Uint8Array} bytes
 * @param {(tx: any) => void} [set]
 */
export function put(device, bytes, set) {
  const tx = device.packet();
  tx.slab.bytes.set(bytes, tx.start);
  tx.headBytes = bytes.length;
  set?.(tx);
  device.transmit(clock());
}

/** @param {any} device @param {Uint8Array} bytes @param {(tx: any) => void} [set] */
export function send(device, bytes, set) {
  put(device, bytes, set);
  device.flush(clock());
}

/** A UDP socket of the kernel, with the datagrams that it received. */
export async function kernelSocket(port = 7777) {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 22 });
  socket.bind(port, KERNEL);
  await once(socket, 'listening');
  /** @type {Buffer[]} */
  const received = [];
  socket.on('message', (m) => received.push(m));
  return {
    received,
    /** @param {Uint8Array} payload */
    send: (payload) =>
      new Promise((resolve, reject) => {
        socket.send(payload, 9, STACK, (error) =>
          error === null ? resolve(undefined) : reject(error),
        );
      }),
    close: () => socket.close(),
  };
}
