/**
 * An off-path attacker sees none of our packets. At worst it knows both addresses and both ports,
 * but it must guess the sequence numbers. This test sends 200,000 guesses to busy established
 * connections: TCP segments of all kinds, and ICMP errors that quote guessed numbers. No connection
 * may be reset, get a smaller path MTU, or deliver a byte that its peer did not send.
 *
 * A guess can be right. For a RST with exactly RCV.NXT the probability is one in 2^32, for data
 * within both windows less than one in 2^31 at these windows. With this seed no guess is right.
 */
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/base/random.js';
import { Slab } from '../../src/base/slab.js';
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import { RxPacket } from '../../src/device/device.js';
import { NO_IMPAIRMENTS } from '../../src/device/link/link-options.js';
import type { Connection } from '../../src/tcp/connection.js';
import { TcpFlag } from '../../src/wire/tcp.js';
import { buildPacket, naiveSum } from '../device/packets.js';
import { exchange, Hosts } from '../stack/hosts.js';
import { be16, be32, ipv4, ipv6, naivePseudoSum } from '../wire/build.js';

const GUESSES = 200_000;
const SEED = 20_261_123;
const BYTES = 400_000;
const { SYN, ACK, FIN, RST, PSH, URG } = TcpFlag;
const KINDS = [
  RST,
  RST | ACK,
  SYN,
  SYN | ACK,
  ACK,
  PSH | ACK,
  FIN | ACK,
  URG | ACK,
  FIN,
  0,
  SYN | FIN,
  0xff,
];
/**
 * Types and codes of the errors: unreachable of each kind (3 is the port, 4 needs fragmentation,
 * ...), packet too big, time exceeded, parameter problem.
 */
const ERRORS = { 4: [3, 11, 12, 4, 5], 6: [1, 2, 3, 4] } as const;

describe(`${GUESSES} guesses of an off-path attacker, seed ${SEED}`, () => {
  it.each([4, 6] as const)('affect no established connection: IPv%i', (version) => {
    const r = new SeededRandom(SEED + version);
    const lane = { ...NO_IMPAIRMENTS, delay: 20 * MILLISECOND };
    const h = new Hosts({ seed: SEED, link: { in: lane, out: lane } });
    const transfers = Array.from({ length: 4 }, (_, i) =>
      exchange(h, BYTES, BYTES, version, 7 + i),
    );
    h.time.runUntil(
      () => transfers.every(({ server }) => server.established || server.received > 0),
      SECOND,
    );
    const conns = transfers.map(({ server }) => server.conn!);
    const rx = new RxPacket();
    for (let n = 0; n < GUESSES / 2; n++) {
      const conn = conns[r.below(conns.length)]!;
      const packet = r.below(4) === 0 ? error(conn, version, r) : segment(conn, version, r);
      rx.slab = new Slab(packet);
      rx.offset = 0;
      rx.length = packet.length;
      h.b.packet(rx, h.time.now);
      h.b.batchEnd(h.time.now);
      // Some guesses arrive while data is in flight, the rest while the connection is idle.
      if (n % 1000 === 0) h.time.pass(MILLISECOND);
    }
    h.check();
    expect(h.b.tcp.env.counters.TcpInSegs).toBeGreaterThan((GUESSES / 2) * 0.7);
    expect(conns.map((c) => c.error)).toEqual([null, null, null, null]);
    h.settle();
    for (const { client, server } of transfers) {
      expect([client.received, server.received, client.error, server.error]).toEqual([
        BYTES,
        BYTES,
        null,
        null,
      ]);
      expect([client.closed, server.closed]).toEqual([true, true]);
    }
    expect(conns.map((c) => c.snd.mss)).toEqual(conns.map(() => (version === 4 ? 1448 : 1428)));
  });
});

/** A plausible segment of the peer of `conn`, except for its sequence numbers. */
function segment(conn: Connection, version: 4 | 6, r: SeededRandom): Uint8Array {
  return buildPacket({
    version,
    sourcePort: conn.flow.remotePort,
    destinationPort: conn.flow.localPort,
    flags: KINDS[r.below(KINDS.length)]!,
    seq: r.int32(),
    ack: r.int32(),
    timestamps: r.below(2) === 0,
    payload: new Uint8Array(r.below(3) === 0 ? r.below(1400) : 0).fill(0xee),
  });
}

/** An ICMP error about a segment that `conn` might have sent. */
function error(conn: Connection, version: 4 | 6, r: SeededRandom): Uint8Array {
  const types = ERRORS[version];
  const type = types[r.below(types.length)]!;
  const quoted = buildPacket({
    version,
    sourcePort: conn.flow.localPort,
    destinationPort: conn.flow.remotePort,
    seq: r.int32(),
    ack: r.int32(),
  });
  swapAddresses(quoted, version);
  const message = Uint8Array.from([
    type,
    r.below(16),
    0,
    0,
    ...be32(576 + r.below(900)),
    ...quoted,
  ]);
  const pseudo = version === 4 ? 0 : naivePseudoSum(6, 58, message.length);
  message.set(be16(~naiveSum(message, pseudo)), 2);
  return version === 4
    ? ipv4({ protocol: 1, payload: message })
    : ipv6({ nextHeader: 58, payload: message });
}

function swapAddresses(p: Uint8Array, version: 4 | 6): void {
  const [at, n] = version === 4 ? [12, 4] : [8, 16];
  const source = p.slice(at, at + n);
  p.copyWithin(at, at + n, at + 2 * n);
  p.set(source, at + n);
}
