/**
 * Stacks with the same addresses, as in the threads of `tcplab serve --workers`; here in one
 * thread, each with its own cable, on which a test puts packets as the device's queues would.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Slab } from '../../src/base/slab.js';
import type { RxPacket } from '../../src/device/device.js';
import { pair, type PairEnd } from '../../src/device/pair.js';
import { Host } from '../../src/node/host.js';
import { makeRing, RingNeighbours } from '../../src/node/ring.js';
import type { Connection } from '../../src/tcp/connection.js';
import { parseTcp, Segment, TcpFlag } from '../../src/wire/tcp.js';
import { buildPacket, type PacketSpec, send } from '../device/packets.js';
import { be16, be32, ipv4 } from '../wire/build.js';
import { naiveSum } from '../device/packets.js';

const { SYN, ACK, RST, PSH } = TcpFlag;
const COUNT = 3;

interface Member {
  host: Host;
  cable: PairEnd;
  ring: RingNeighbours;
  sent: Segment[];
  conn: Connection | null;
}
let members: Member[] = [];

beforeEach(() => {
  const places = makeRing(COUNT);
  members = places.map((place) => {
    const [cable, end] = pair();
    const host = new Host({ device: end, addresses: ['198.18.0.2/24'] });
    const member: Member = {
      host,
      cable,
      ring: new RingNeighbours(host, place),
      sent: [],
      conn: null,
    };
    cable.attach({
      packet: (rx: RxPacket) => {
        const seg = new Segment();
        const bytes = rx.slab.bytes.slice(rx.offset, rx.offset + rx.length);
        if (bytes[9] === 6) parseTcp(new Slab(bytes), 20, bytes.length - 20, seg);
        member.sent.push(seg);
      },
      batchEnd: () => undefined,
      deviceError: () => undefined,
      deviceDrop: () => undefined,
    });
    host.stack.listen({
      port: 80,
      user: {
        tcpAccept: (conn) => {
          member.conn = conn;
          conn.user = { tcpEvents: () => undefined };
          return true;
        },
      },
    });
    return member;
  });
});
afterEach(() => {
  for (const { host, ring } of members) {
    host.close();
    ring.close();
  }
});

/** Waits some turns of the event loop, which messages between threads need. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) {
    await turn();
    for (const { cable, host } of members) cable.onTimeout(host.clock());
  }
}

/** Puts a packet on the queue of stack `queue`. */
async function put(queue: number, ...packets: Uint8Array[]): Promise<void> {
  for (const packet of packets) send(members[queue]!.cable, packet, members[queue]!.host.clock());
  await settle();
}

const tcp = (spec: Partial<PacketSpec>): Uint8Array =>
  buildPacket({ version: 4, flags: ACK, seq: 1001, ...spec });

/** Opens a connection of stack 0; returns its next sequence number. */
async function open(): Promise<number> {
  await put(0, tcp({ flags: SYN, seq: 1000 }));
  const iss = members[0]!.sent[0]!.seq;
  await put(0, tcp({ ack: iss + 1 }));
  expect(members[0]!.conn?.stateName).toBe('ESTABLISHED');
  return iss + 1;
}

const counts = (): number[] => members.map(({ sent }) => sent.length);

describe('a packet on the queue of another stack', () => {
  it('reaches its connection in any stack', async () => {
    const ack = await open();
    const before = counts();
    await put(1, tcp({ ack, flags: PSH | ACK, payload: new Uint8Array(100) }));
    expect(members[0]!.conn!.receiveQueued).toBe(100);
    await put(2, tcp({ ack, seq: 1101, flags: PSH | ACK, payload: new Uint8Array(100) }));
    expect(members[0]!.conn!.receiveQueued).toBe(200);
    expect([counts()[1], counts()[2]]).toEqual([before[1], before[2]]);
    expect(members.map(({ ring }) => ring.passed)).toEqual([0, 1, 2]);
  });

  it('reaches its connection if it is a RST', async () => {
    const ack = await open();
    await put(1, tcp({ ack, flags: RST | ACK }));
    expect(members[0]!.conn!.error).toBe('ECONNRESET');
  });

  it('reaches its connection if it is an ICMP error, which has no ports', async () => {
    const ack = await open();
    const { conn, host } = members[0]!;
    conn!.send(new Uint8Array(1400));
    host.stack.wake(conn!);
    await settle();
    const quoted = buildPacket({
      version: 4,
      sourcePort: 80,
      destinationPort: 40_000,
      seq: ack,
      payload: new Uint8Array(8),
    });
    quoted.set([198, 18, 0, 2, 198, 18, 0, 1], 12);
    const message = Uint8Array.from([3, 1, 0, 0, ...be32(0), ...quoted.slice(0, 28)]);
    message.set(be16(~naiveSum(message)), 2);
    await put(
      1,
      ipv4({
        protocol: 1,
        payload: message,
        source: [198, 18, 0, 1],
        destination: [198, 18, 0, 2],
      }),
    );
    expect(conn!.softError).toBe('EHOSTUNREACH');
    expect(members.map(({ host }) => host.stack.dropsByName()['icmpNoSuchFlow'] ?? 0)).toEqual([
      0, 0, 0,
    ]);
  });
});

describe('a packet without a connection', () => {
  it.each([0, 1, 2])(
    'gets one reply, from the last stack that gets it: on queue %i',
    async (queue) => {
      await put(queue, tcp({ ack: 5 }));
      const answers = members.map(({ sent }) => sent.filter((s) => s.has(RST)).length);
      expect(answers).toEqual([0, 1, 2].map((i) => (i === (queue + COUNT - 1) % COUNT ? 1 : 0)));
    },
  );

  it('a SYN to a closed port is refused once', async () => {
    await put(1, tcp({ flags: SYN, destinationPort: 81 }));
    expect(members.flatMap(({ sent }) => sent).filter((s) => s.has(RST)).length).toBe(1);
  });

  it('are queued up to a limit; further ones are dropped and counted', async () => {
    const many = Array.from({ length: 400 }, (_, i) => tcp({ ack: 5, sourcePort: 1000 + i }));
    await put(1, ...many);
    const dropped = members.map(({ host }) => host.stack.dropsByName()['neighbourQueueFull'] ?? 0);
    const answered = members.flatMap(({ sent }) => sent).filter((s) => s.has(RST)).length;
    expect(dropped[1]).toBe(400 - 256);
    expect(answered + dropped.reduce((a, b) => a + b)).toBe(400);
    await put(1, tcp({ ack: 5 }));
    expect(members.flatMap(({ sent }) => sent).filter((s) => s.has(RST)).length, 'room again').toBe(
      answered + 1,
    );
  });
});
