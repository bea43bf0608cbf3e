/**
 * Mutated packets against connections in every state. None may cause an exception, and all
 * invariants must hold after each. The seed is fixed. Three of four packets have their checksums
 * repaired, so that they get past the first check. The test prints how many packets reached each
 * step of RFC 9293 section 3.10.7, and requires a minimum for each step.
 *
 *     npm run fuzz -- --packets 10000000 --seed 1
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { SeededRandom } from '../../src/base/random.js';
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import { repairChecksums, Targets, TARGET_STATES } from './targets.js';

const PACKETS = Number(process.env['TCPLAB_FUZZ_PACKETS'] ?? 200_000);
const SEED = Number(process.env['TCPLAB_FUZZ_SEED'] ?? 20_261_123);
const LEAST_AT_EACH_STEP = 1000;
/**
 * The largest number of packets that one packet may cause, for example the window that an ACK
 * opens.
 */
const MOST_ANSWERS = 16;
/**
 * The allowed growth of the heap from a quarter of the run to its end. In a long run one byte kept
 * per packet would exceed it.
 */
const HEAP_GROWTH_BYTES = 4 << 20;

type Mutation = (p: Uint8Array, r: SeededRandom) => Uint8Array;

const INTERESTING = [0, 1, 2, 3, 4, 5, 8, 16, 20, 40, 60, 63, 64, 127, 128, 254, 255];

const MUTATIONS: readonly Mutation[] = [
  (p) => p,
  function flipOneBit(p, r) {
    p[r.below(p.length)]! ^= 1 << r.below(8);
    return p;
  },
  function anInterestingByteInTheHeaders(p, r) {
    p[r.below(Math.min(p.length, 80))] = INTERESTING[r.below(INTERESTING.length)]!;
    return p;
  },
  function otherFlags(p, r) {
    const at = tcpAt(p) + 13;
    if (at < p.length) p[at] = r.below(256);
    return p;
  },
  function nearbySequenceNumber(p, r) {
    return add32(p, tcpAt(p) + 4, [-1, 1, -1460, 1460, -70_000, 70_000, r.int32()][r.below(7)]!);
  },
  function nearbyAcknowledgment(p, r) {
    return add32(p, tcpAt(p) + 8, [-1, 1, -1460, 1460, -70_000, 70_000, r.int32()][r.below(7)]!);
  },
  function garbageOptions(p, r) {
    const at = tcpAt(p);
    const bytes = 4 * (1 + r.below(10));
    if (at + 20 > p.length) return p;
    const out = new Uint8Array(p.length + bytes);
    out.set(p.subarray(0, at + 20));
    for (let i = 0; i < bytes; i++)
      out[at + 20 + i] = r.below(3) === 0 ? r.below(256) : INTERESTING[r.below(12)]!;
    out.set(p.subarray(at + 20), at + 20 + bytes);
    out[at + 12] = ((20 + bytes) / 4) << 4;
    return fixLength(out);
  },
  function cutShort(p, r) {
    const cut = p.slice(0, 1 + r.below(p.length));
    return r.below(2) === 0 ? fixLength(cut) : cut;
  },
  function bytesBehind(p, r) {
    const out = new Uint8Array(p.length + r.below(64));
    out.set(p);
    return out;
  },
  function asFragment(p, r) {
    if (p[0]! >> 4 !== 4) return asFragmentOf6(p, r);
    p[6] = (r.below(2) << 5) | r.below(4);
    p[7] = r.below(256);
    return p;
  },
  function otherProtocol(p, r) {
    p[p[0]! >> 4 === 4 ? 9 : 6] = [0, 1, 2, 17, 43, 44, 58, 59, 60, 132][r.below(10)]!;
    return p;
  },
  function noise(p, r) {
    for (let i = 0; i < p.length; i++) p[i] = r.int32();
    return p;
  },
];

/** With a fragment header (RFC 8200 section 4.5) after the IPv6 header. */
function asFragmentOf6(p: Uint8Array, r: SeededRandom): Uint8Array {
  if (p.length < 40) return p;
  const out = new Uint8Array(p.length + 8);
  out.set(p.subarray(0, 40));
  out.set([p[6]!, 0, r.below(4), (r.below(256) & 0xf8) | r.below(2), 0, 0, 0, r.below(8)], 40);
  out.set(p.subarray(40), 48);
  out[6] = 44;
  return fixLength(out);
}

const tcpAt = (p: Uint8Array): number => (p[0]! >> 4 === 4 ? (p[0]! & 15) * 4 : 40);

function add32(p: Uint8Array, at: number, n: number): Uint8Array {
  if (at + 4 > p.length) return p;
  const view = new DataView(p.buffer, p.byteOffset);
  view.setInt32(at, view.getInt32(at) + n);
  return p;
}

/** Sets the length field of the IP header to the packet's length. */
function fixLength(p: Uint8Array): Uint8Array {
  const v4 = p[0]! >> 4 === 4;
  const at = v4 ? 2 : 4;
  const length = v4 ? p.length : p.length - 40;
  if (p.length < 6 || length < 0) return p;
  p[at] = length >> 8;
  p[at + 1] = length & 255;
  return p;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapUsed(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

describe(`${PACKETS} mutated packets, seed ${SEED}`, () => {
  it('cause no exception and break no invariant, in any state', () => {
    const targets = new Targets(SEED);
    const { random, stack } = targets;
    const sent = new Map<string, number>();
    let most = 0;
    let heap = 0;
    for (let n = 0; n < PACKETS; n++) {
      if (n === Math.floor(PACKETS / 4)) heap = heapUsed();
      const before = targets.answers;
      const state = TARGET_STATES[random.below(TARGET_STATES.length)]!;
      const target = targets.target(state, random.below(2) === 0 ? 4 : 6);
      const base = random.below(8) === 0 ? targets.datagram(target) : targets.template(target);
      let packet = base;
      for (let times = 1 + random.below(2); times > 0; times--)
        packet = MUTATIONS[random.below(MUTATIONS.length)]!(packet, random);
      if (random.below(4) !== 0) repairChecksums(packet);
      try {
        targets.inject(packet);
      } catch (error) {
        throw new Error(
          `packet ${n} of seed ${SEED} in ${state}: ${Buffer.from(packet).toString('hex')}`,
          {
            cause: error,
          },
        );
      }
      const broken =
        target.conn?.checkInvariants() ?? (n % 1000 === 0 ? stack.checkInvariants() : null);
      if (broken !== null)
        throw new Error(
          `packet ${n} of seed ${SEED} in ${state}: ${broken}\n` +
            `${Buffer.from(packet).toString('hex')}`,
        );
      most = Math.max(most, targets.answers - before);
      sent.set(state, (sent.get(state) ?? 0) + 1);
      if (n % 16 === 0) targets.pass(random.below(200) * MILLISECOND);
    }
    const growth = heapUsed() - heap;
    const { steps } = stack.counters;
    const names = [
      'SYN-SENT',
      'sequence number',
      'RST',
      'security',
      'SYN',
      'ACK',
      'URG',
      'text',
      'FIN',
    ];
    console.log(
      [...names.entries()].map(([i, name]) => `step ${i} ${name}: ${steps[i]!}`).join('\n'),
      '\n',
      Object.fromEntries(sent),
      { mostAnswersToOne: most, answers: targets.answers, heapGrowth: growth },
      stack.dropsByName(),
    );
    for (const [i, name] of names.entries()) {
      if (name !== 'security')
        expect(steps[i], `packets that reached step ${i}, ${name}`).toBeGreaterThanOrEqual(
          LEAST_AT_EACH_STEP,
        );
    }
    for (const state of TARGET_STATES) expect(sent.get(state)).toBeGreaterThan(LEAST_AT_EACH_STEP);
    expect(most).toBeLessThanOrEqual(MOST_ANSWERS);
    expect(growth).toBeLessThan(HEAP_GROWTH_BYTES);
    // Nothing may leak: connections that are still open must end by themselves.
    for (const c of [...stack.connections()]) {
      c.abort(targets.now);
      stack.wake(c);
    }
    targets.turn();
    targets.pass(200 * SECOND);
    expect([stack.tcp.connectionCount, stack.tcp.timeWait.size, stack.tcp.env.pool.lent]).toEqual([
      0, 0, 0,
    ]);
  }, 86_400_000);
});
