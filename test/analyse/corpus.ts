/**
 * Captures with everything that can happen to a conversation, made by two of our stacks over a bad
 * link in virtual time. A is observed: what A sends is captured before the link, what it receives
 * after it. So uploads are seen at their sender, and downloads at their receiver.
 */
import { MILLISECOND, SECOND, type Micros } from '../../src/base/time.js';
import { PCAP_HEADER_BYTES, PCAP_PACKET_HEADER_BYTES } from '../../src/capture/pcap-format.js';
import { pcapFileHeader, pcapPacket } from '../../src/capture/pcap-writer.js';
import type { PacketTap } from '../../src/device/capture.js';
import { parseLink } from '../../src/device/link/link-options.js';
import { B4, B6, exchange, Hosts, type HostsOptions, StreamUser } from '../stack/hosts.js';

export interface Scenario {
  readonly name: string;
  readonly capture: () => Uint8Array;
}

const EPOCH_SECONDS = 1_767_225_600; // 2026-01-01

type Keeps = (direction: string, number: number) => boolean;

/** Collects what a tap sees as a capture file. */
export class CaptureTap implements PacketTap {
  private readonly chunks: Uint8Array[] = [pcapFileHeader()];
  /** Leaves out what it returns false for. */
  private readonly keeps: Keeps;
  private seen = 0;

  constructor(keeps: Keeps = () => true) {
    this.keeps = keeps;
  }

  packet(
    direction: 'in' | 'out',
    slab: { readonly bytes: Uint8Array },
    offset: number,
    length: number,
    now: Micros,
  ): void {
    if (!this.keeps(direction, ++this.seen)) return;
    this.chunks.push(
      pcapPacket({
        seconds: EPOCH_SECONDS + Math.floor(now / SECOND),
        nanos: (now % SECOND) * 1000,
        bytes: slab.bytes,
        offset,
        capturedLength: length,
        originalLength: length,
      }),
    );
  }

  batchEnd(): void {}

  get file(): Uint8Array {
    return Buffer.concat(this.chunks);
  }
}

interface Transfer {
  link?: string;
  up?: number;
  down?: number;
  version?: 4 | 6;
  options?: HostsOptions;
  keeps?: Keeps;
}

export function transfer(t: Transfer): Uint8Array {
  const tap = new CaptureTap(t.keeps);
  const hosts = new Hosts({ ...t.options, link: parseLink(t.link ?? ''), tap });
  exchange(hosts, t.up ?? 0, t.down ?? 0, t.version ?? 4);
  hosts.settle(3600 * SECOND);
  return tap.file;
}

/** The receiver does not read for `pause`, so its window closes and probes begin. */
export function slowReader(pause: Micros, version: 4 | 6 = 4, atA = false): Uint8Array {
  const tap = new CaptureTap();
  const hosts = new Hosts({
    link: parseLink('delay 10ms'),
    config: { receiveBufferBytes: 60_000 },
    tap,
  });
  const { client, server } = exchange(hosts, atA ? 0 : 400_000, atA ? 400_000 : 0, version);
  const reader = atA ? client : server;
  reader.reading = false;
  hosts.time.pass(pause);
  reader.reading = true;
  reader.read();
  hosts.settle(3600 * SECOND);
  return tap.file;
}

/** Idle for a minute, with keep-alives; then both close. */
export function keepAlives(link: string, atB = false): Uint8Array {
  const tap = new CaptureTap();
  const keep = { keepAlive: true, keepAliveIdle: 5 * SECOND, keepAliveInterval: 2 * SECOND };
  const hosts = new Hosts({
    link: parseLink(link),
    ...(atB ? { configB: keep } : { config: keep }),
    tap,
  });
  const { client, server } = exchange(hosts, 1000, 1000);
  const writes = [client, server].map((user) => user.write.bind(user));
  // Neither has anything to say for a minute.
  client.write = server.write = () => undefined;
  hosts.time.pass(60 * SECOND);
  for (const write of writes) write();
  hosts.settle(3600 * SECOND);
  return tap.file;
}

/** The same client port again and again. */
export function reusedPorts(times: number): Uint8Array {
  const tap = new CaptureTap();
  const hosts = new Hosts({ link: parseLink('delay 5ms'), tap });
  const now = (): Micros => hosts.time.now;
  hosts.b.listen({
    port: 7,
    user: {
      tcpAccept(conn) {
        new StreamUser(500, () => hosts.b, now).take(conn);
        return true;
      },
    },
  });
  for (let i = 0; i < times; i++) {
    const user = new StreamUser(2000, () => hosts.a, now);
    user.conn = hosts.a.connect({ remote: B4, remotePort: 7, localPort: 40_000, user }, now());
    hosts.a.run(now());
    hosts.time.pass(100 * SECOND);
  }
  return tap.file;
}

/** A SYN that is refused, one that is not answered, and a connection that is aborted. */
export function endings(): Uint8Array {
  const tap = new CaptureTap();
  const hosts = new Hosts({ link: parseLink('delay 5ms drop in:syn:2-40'), tap });
  const now = (): Micros => hosts.time.now;
  const connect = (remotePort: number, remote = B4): StreamUser => {
    const user = new StreamUser(100_000, () => hosts.a, now);
    user.conn = hosts.a.connect({ remote, remotePort, user }, now());
    hosts.a.run(now());
    return user;
  };
  connect(81);
  hosts.time.pass(SECOND);
  connect(82, B6);
  hosts.time.pass(300 * SECOND);
  return tap.file;
}

/** One program aborts in the middle. */
export function aborted(link: string, byServer: boolean): Uint8Array {
  const tap = new CaptureTap();
  const hosts = new Hosts({ link: parseLink(link), tap });
  const { client, server } = exchange(hosts, 5_000_000, 5_000_000);
  hosts.time.pass(300 * MILLISECOND);
  const [stack, user] = byServer ? [hosts.b, server] : [hosts.a, client];
  user.conn!.abort(hosts.time.now);
  stack.wake(user.conn!);
  hosts.settle(600 * SECOND);
  return tap.file;
}

/** Milliseconds, sender, flags, seq, ack, payload, window. */
type Line = readonly [number, 'A' | 'B', string, number, number, number, number];

const FLAGS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, '.': 16 };

/** A conversation that is written down, for what neither our stack nor Linux sends. */
export function written(lines: readonly Line[]): Uint8Array {
  const tap = new CaptureTap();
  let now = 0;
  for (const [ms, from, letters, seq, ack, length, window] of lines) {
    now += ms * MILLISECOND;
    const bytes = new Uint8Array(40 + length);
    const view = new DataView(bytes.buffer);
    bytes.set([0x45, 0, bytes.length >> 8, bytes.length & 255, 0, 0, 0x40, 0, 64, 6]);
    view.setUint32(12, from === 'A' ? 0xc612_0001 : 0xc612_0002);
    view.setUint32(16, from === 'A' ? 0xc612_0002 : 0xc612_0001);
    view.setUint16(20, from === 'A' ? 40_000 : 80);
    view.setUint16(22, from === 'A' ? 80 : 40_000);
    view.setUint32(24, seq);
    view.setUint32(28, ack);
    bytes[32] = 0x50;
    bytes[33] = [...letters].reduce((bits, letter) => bits | FLAGS[letter]!, 0);
    view.setUint16(34, window);
    tap.packet(from === 'A' ? 'out' : 'in', { bytes }, 0, bytes.length, now);
  }
  return tap.file;
}

const OPENING: readonly Line[] = [
  [0, 'A', 'S', 1000, 0, 0, 60_000],
  [10, 'B', 'S.', 5000, 1001, 0, 3000],
  [1, 'A', '.', 1001, 5001, 0, 60_000],
];

/** A window that closes, probes of one byte, and a window that opens again. */
function probes(takesByte: boolean): Uint8Array {
  const after = takesByte ? 4002 : 4001;
  return written([
    ...OPENING,
    [1, 'A', '.', 1001, 5001, 1500, 60_000],
    [0, 'A', 'P.', 2501, 5001, 1500, 60_000],
    [10, 'B', '.', 5001, 4001, 0, 0],
    [300, 'A', '.', 4001, 5001, 1, 60_000],
    [10, 'B', '.', 5001, 4001, 0, 0],
    [600, 'A', '.', 4001, 5001, 1, 60_000],
    [10, 'B', '.', 5001, after, 0, 0],
    [900, 'B', '.', 5001, after, 0, 3000],
    [1, 'A', 'P.', after, 5001, 1000, 60_000],
    [10, 'B', '.', 5001, after + 1000, 0, 3000],
    [1, 'A', 'F.', after + 1000, 5001, 0, 60_000],
    [10, 'B', 'F.', 5001, after + 1001, 0, 3000],
    [1, 'A', '.', after + 1001, 5002, 0, 60_000],
  ]);
}

/** Keep-alives with a byte of garbage (RFC 1122 4.2.3.6), and their answers. */
function oldKeepAlives(): Uint8Array {
  const lines: Line[] = [...OPENING, [1, 'A', 'P.', 1001, 5001, 100, 60_000]];
  lines.push([10, 'B', '.', 5001, 1101, 0, 3000]);
  for (let i = 0; i < 4; i++)
    lines.push([5000, 'A', '.', 1100, 5001, i % 2, 60_000], [10, 'B', '.', 5001, 1101, 0, 3000]);
  lines.push([1000, 'B', 'R.', 5001, 1101, 0, 0]);
  return written(lines);
}

const up = 250_000;
const LINKS: Readonly<Record<string, string>> = {
  clean: 'delay 10ms',
  'no delay': '',
  'one lost': 'delay 20ms drop data:30',
  'several lost': 'delay 20ms drop data:30-33',
  'loss 1%': 'delay 20ms loss 1%',
  'loss 5%': 'delay 20ms loss 5%',
  'loss 20%': 'delay 30ms loss 20%',
  reorder: 'delay 20ms reorder 2%',
  'reorder much': 'delay 5ms 4ms',
  duplicate: 'delay 10ms duplicate 3%',
  corrupt: 'delay 10ms corrupt 1%',
  'bottleneck 5 mbit': 'delay 20ms rate 5mbit limit 30',
  'bottleneck 1 mbit': 'delay 50ms rate 1mbit limit 20',
  everything: 'delay 20ms 5ms loss 1% reorder 1% duplicate 1% corrupt 0.3%',
  'lost tail': 'delay 20ms drop data:170-175',
  'lost SYN': 'delay 20ms drop syn:2',
  'lost SYN,ACK': 'delay 20ms drop syn-ack:2',
  'lost FIN': 'delay 20ms drop fin:1',
  'ACKs lost': 'delay 20ms out loss 20%',
  'path MTU': 'delay 10ms mtu 1280',
  'black hole': 'delay 10ms mtu 1280 blackhole',
};

/** `TCPLAB_TEST=full` takes more of them. */
const SEEDS = process.env['TCPLAB_TEST'] === 'full' ? [1, 2, 3, 4] : [1];

function* transfers(): Generator<Scenario> {
  for (const [name, link] of Object.entries(LINKS)) {
    for (const version of [4, 6] as const) {
      for (const seed of SEEDS) {
        const options = { seed };
        const linkText = link === '' ? '' : `${link} seed ${seed}`;
        const label = `${name}, IPv${version}, seed ${seed}`;
        yield {
          name: `${label}, up`,
          capture: () => transfer({ link: linkText, up, version, options }),
        };
        yield {
          name: `${label}, down`,
          capture: () => transfer({ link: linkText, down: up, version, options }),
        };
        yield {
          name: `${label}, both`,
          capture: () => transfer({ link: linkText, up: up / 2, down: up / 2, version, options }),
        };
      }
    }
  }
}

function* others(): Generator<Scenario> {
  for (const seed of [1, 2, 3]) {
    const small = { seed, config: { receiveBufferBytes: 20_000, sendBufferBytes: 1 << 20 } };
    yield {
      name: `small window, seed ${seed}`,
      capture: () => transfer({ link: `delay 20ms seed ${seed}`, up, options: small }),
    };
    yield {
      name: `small window and loss, seed ${seed}`,
      capture: () =>
        transfer({ link: `delay 20ms loss 2% seed ${seed}`, down: up, options: small }),
    };
    yield {
      name: `offload, seed ${seed}`,
      capture: () =>
        transfer({ link: `delay 20ms loss 1% seed ${seed}`, up, options: { seed, offload: true } }),
    };
    yield {
      name: `capture with gaps, seed ${seed}`,
      capture: () =>
        transfer({
          link: `delay 20ms loss 1% seed ${seed}`,
          up,
          options: { seed },
          keeps: (_d, n) => (n * 7919 + seed) % 50 !== 0,
        }),
    };
    yield {
      name: `one side only, seed ${seed}`,
      capture: () =>
        transfer({
          link: `delay 20ms loss 1% seed ${seed}`,
          up,
          options: { seed },
          keeps: (d) => (d === 'in') === (seed === 1),
        }),
    };
    yield {
      name: `begins late, seed ${seed}`,
      capture: () =>
        transfer({
          link: `delay 20ms loss 1% seed ${seed}`,
          up,
          down: up,
          options: { seed },
          keeps: (_d, n) => n > 20 + seed,
        }),
    };
  }
  for (const version of [4, 6] as const)
    for (const atA of [true, false])
      for (const pause of [3, 30, 300])
        yield {
          name: `slow reader, ${pause} s, IPv${version}, at ${atA ? 'A' : 'B'}`,
          capture: () => slowReader(pause * SECOND, version, atA),
        };
  for (const link of ['', 'delay 20ms', 'delay 20ms loss 10%'])
    for (const atB of [false, true])
      yield {
        name: `keep-alives by ${atB ? 'B' : 'A'}, ${link}`,
        capture: () => keepAlives(link, atB),
      };
  yield { name: 'probes of one byte', capture: () => probes(false) };
  yield { name: 'probes of one byte, which the receiver takes', capture: () => probes(true) };
  yield { name: 'keep-alives of one byte', capture: () => oldKeepAlives() };
  yield { name: 'reused ports', capture: () => reusedPorts(5) };
  yield { name: 'refused and unanswered', capture: () => endings() };
  for (const byServer of [false, true])
    yield {
      name: `aborted by the ${byServer ? 'server' : 'client'}`,
      capture: () => aborted('delay 20ms loss 1%', byServer),
    };
}

export const CORPUS: readonly Scenario[] = [...transfers(), ...others()];

/** So much of each packet is kept: the headers, and what an ICMP error quotes. */
const KEPT_BYTES = 120;

/** All captures in one file, each with addresses of its own, and where each begins. */
export function mergedCorpus(): { file: Uint8Array; firstFrames: number[] } {
  const chunks: Uint8Array[] = [pcapFileHeader()];
  const firstFrames: number[] = [];
  let frame = 1;
  for (const [index, scenario] of CORPUS.entries()) {
    firstFrames.push(frame);
    const all = scenario.capture();
    for (let at = PCAP_HEADER_BYTES; at < all.length; frame++) {
      const start = at + PCAP_PACKET_HEADER_BYTES;
      const length = new DataView(all.buffer, all.byteOffset + at).getUint32(8, true);
      const kept = Math.min(length, KEPT_BYTES);
      const copy = new Uint8Array(all.subarray(at, start + kept));
      new DataView(copy.buffer).setUint32(8, kept, true);
      const packet = copy.subarray(PCAP_PACKET_HEADER_BYTES);
      renumber(packet, index);
      const quote = quoteOf(packet);
      if (quote !== null) renumber(quote, index);
      chunks.push(copy);
      at = start + length;
    }
  }
  return { file: Buffer.concat(chunks), firstFrames };
}

/** Writes the scenario's number into both addresses. */
function renumber(packet: Uint8Array, index: number): void {
  const isV4 = packet[0]! >> 4 === 4;
  for (const at of isV4 ? [13, 17] : [14, 30]) packet.set([index >> 8, index & 255], at);
}

function quoteOf(packet: Uint8Array): Uint8Array | null {
  if (packet[0]! >> 4 === 4) return packet[9] === 1 ? packet.subarray(28) : null;
  return packet[6] === 58 ? packet.subarray(48) : null;
}
