/**
 * One transfer both ways over a link with all faults, with settings drawn from the seed: the same
 * seed gives the same run, to the byte. bad-link.test.ts runs some seeds,
 * `npm run bad-link -- --seeds 1000` as many as wanted.
 */
import { SeededRandom } from '../../src/base/random.js';
import { MILLISECOND } from '../../src/base/time.js';
import { type Impairments, NO_IMPAIRMENTS } from '../../src/device/link/link-options.js';
import type { TcpConfig } from '../../src/tcp/config.js';
import { fixIsn } from '../sim/isn.js';
import { exchange, Hosts } from '../stack/hosts.js';

export const MEGABYTES = 1e6;
/**
 * R2 and similar limits are off, also those of orphans: with such losses a connection may correctly
 * give up, which another test covers.
 */
export const PATIENT: Partial<TcpConfig> = {
  retries2: Infinity,
  orphanRetries: Infinity,
  synRetries: 1000,
  synAckRetries: 1000,
};

/** All faults at once. */
export const ALL_AT_ONCE: Impairments = {
  ...NO_IMPAIRMENTS,
  loss: 0.2,
  reorder: 0.2,
  duplicate: 0.05,
  corrupt: 0.01,
  delay: 5 * MILLISECOND,
  jitter: MILLISECOND,
};

export interface Case {
  readonly version: 4 | 6;
  readonly offload: boolean;
  readonly config: Partial<TcpConfig>;
  readonly isnA: number;
  readonly isnB: number;
  /** SO_RCVBUF in bytes; 0: autotuned. */
  readonly window: number;
  readonly bytes: number;
}

const WINDOWS = [0, 0, 0, 1, 2, 100, 536, 1460, 4096, 65_535, 65_536, 262_144, 1 << 20, 4 << 20];
/** The most windows in a transfer, because with small windows each segment takes a round trip. */
const MOST_WINDOWS = 2500;

/** The settings of a seed: each is drawn independently, so that all pairs of them occur. */
export function caseOf(seed: number, bytes: number): Case {
  const random = new SeededRandom(seed * 0x9e3779b1);
  for (let i = 0; i < 8; i++) random.int32(); // small seeds give similar first numbers
  const one = <T>(of: readonly T[]): T => of[random.below(of.length)]!;
  const isn = (): number => one([0x7fffff00, 0xffffff00, 0, random.int32(), random.int32()]) | 0;
  const delayed = one<Partial<TcpConfig>>([{}, {}, { delayedAck: 0, delayedAckMax: 0 }]);
  const window = one(WINDOWS);
  return {
    version: one([4, 6]),
    offload: one([true, false]),
    isnA: isn(),
    isnB: isn(),
    window,
    bytes: window === 0 ? bytes : Math.min(bytes, window * MOST_WINDOWS),
    config: {
      ...PATIENT,
      ...delayed,
      receiveBufferBytes: window,
      noDelay: one([true, false]),
      sack: one([true, true, false]),
      timestamps: one([true, true, false]),
      windowScaling: one([true, true, true, false]),
      ecn: one([0, 1, 2]),
      congestionControl: one(['cubic', 'cubic', 'reno', 'bbr', 'none']),
    },
  };
}

/** Null, or a description of the failure. */
export function runCase(seed: number, c: Case, lane: Impairments): string | null {
  const h = new Hosts({
    seed,
    offload: c.offload,
    link: { seed, in: { ...lane }, out: { ...lane } },
    config: c.config,
  });
  fixIsn(h.a, c.isnA, () => h.time.now);
  fixIsn(h.b, c.isnB, () => h.time.now);
  const told = `seed ${seed}, ${JSON.stringify(c)}`;
  const { client, server } = exchange(h, c.bytes, c.bytes, c.version);
  try {
    h.settle(Infinity);
  } catch (error) {
    return `${told}: ${String(error)}`;
  }
  if (client.conn!.iss !== c.isnA || server.conn?.iss !== c.isnB)
    return `${told}: other initial sequence numbers`;
  for (const [who, user] of Object.entries({ client, server })) {
    if (user.received !== c.bytes)
      return `${told}: the ${who} received ${user.received} bytes of ${c.bytes}`;
    if (!user.ended || !user.closed || user.error !== null)
      return (
        `${told}: the ${who} ended with ${user.error ?? 'no error'}, ` +
        `${user.ended ? 'EOF' : 'no EOF'}`
      );
  }
  for (const [who, { tcp }] of Object.entries({ client: h.a, server: h.b })) {
    if (tcp.connectionCount + tcp.timeWait.size > 0)
      return `${told}: the ${who}'s connection is still in its table`;
    if (tcp.env.pool.lent + tcp.env.memory.allocated > 0)
      return `${told}: the ${who} did not release all memory`;
  }
  return null;
}
