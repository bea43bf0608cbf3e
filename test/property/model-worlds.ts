/**
 * What fast-check draws for model.ts: a world (the network, the settings, how the connection is
 * opened), and a script of calls by two users and of network failures.
 */
import fc from 'fast-check';
import { MILLISECOND, MINUTE } from '../../src/base/time.js';
import type { TcpConfig } from '../../src/tcp/config.js';
import { PATIENT } from './bad-link.js';

export type Call =
  | { readonly call: 'send'; readonly bytes: number; readonly more: boolean }
  | { readonly call: 'receive'; readonly pieces: number }
  | { readonly call: 'reading' | 'noDelay' | 'cork'; readonly on: boolean }
  | { readonly call: 'shutdown' | 'close' | 'abort' | 'lingerAndClose' }
  /** The network drops everything from now on; only in worlds where connections may give up. */
  | { readonly call: 'cut' }
  | { readonly call: 'wait' | 'dark'; readonly ms: number };

export interface Step {
  /** 0 is the user that connects. */
  readonly who: 0 | 1;
  readonly what: Call;
}

/**
 * One side listens and the other connects; no side listens; both connect at the same time (RFC 9293
 * section 3.5, figure 7).
 */
export type Opening = 'passive' | 'refused' | 'crossing';

export interface World {
  readonly version: 4 | 6;
  readonly opening: Opening;
  /** R2 is finite: a connection may end with ETIMEDOUT when the network fails for long. */
  readonly mortal: boolean;
  readonly offload: boolean;
  readonly isns: readonly [number, number];
  readonly link: {
    loss: number;
    reorder: number;
    duplicate: number;
    corrupt: number;
    delay: number;
  };
  readonly config: Partial<TcpConfig>;
  readonly seed: number;
}

const share = (most: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.constant(0),
    fc.integer({ min: 1, max: 100 }).map((n) => (n / 100) * most),
  );

export const worlds: fc.Arbitrary<World> = fc.record({
  version: fc.constantFrom<4 | 6>(4, 6),
  opening: fc.oneof(
    { weight: 8, arbitrary: fc.constant('passive' as const) },
    { weight: 2, arbitrary: fc.constant('crossing' as const) },
    { weight: 1, arbitrary: fc.constant('refused' as const) },
  ),
  mortal: fc.constantFrom(false, false, true),
  offload: fc.boolean(),
  isns: fc.tuple(...[0, 1].map(() => fc.constantFrom(0, 0x7fffff00, -256, -1))) as fc.Arbitrary<
    [number, number]
  >,
  link: fc.record({
    loss: share(0.3),
    reorder: share(0.3),
    duplicate: share(0.2),
    corrupt: share(0.05),
    delay: fc.constantFrom(0, MILLISECOND, 30 * MILLISECOND),
  }),
  config: fc.record({
    sack: fc.boolean(),
    timestamps: fc.boolean(),
    windowScaling: fc.boolean(),
    noDelay: fc.boolean(),
    receiveBufferBytes: fc.constantFrom(0, 1, 700, 5000, 65_535, 300_000),
    congestionControl: fc.constantFrom('cubic' as const, 'reno' as const, 'bbr' as const),
    ecn: fc.constantFrom<0 | 1>(0, 1),
    keepAlive: fc.boolean(),
    delayedAck: fc.constantFrom(0, 40 * MILLISECOND),
  }),
  seed: fc.integer({ min: 1, max: 1_000_000 }),
});

const on = fc.boolean();
const calls: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      call: fc.constant('send' as const),
      bytes: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 20_000 })),
      more: on,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      call: fc.constant('receive' as const),
      pieces: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      call: fc.constantFrom('reading' as const, 'noDelay' as const, 'cork' as const),
      on,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      call: fc.constant('wait' as const),
      ms: fc.constantFrom(0, 1, 10, 50, 300, 3000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      call: fc.constant('dark' as const),
      ms: fc.constantFrom(10, 500, 20_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ call: fc.constant('shutdown' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      call: fc.constantFrom(
        'close' as const,
        'close' as const,
        'abort' as const,
        'lingerAndClose' as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ call: fc.constant('cut' as const) }) },
);

export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({ who: fc.constantFrom<0 | 1>(0, 1), what: calls }),
  { maxLength: 40 },
);

/**
 * Settings of every connection in `world`. Keep-alive is included for its timer: over weeks of
 * losses it would correctly give up.
 */
export const configOf = ({ config, mortal }: World): Partial<TcpConfig> => ({
  ...(mortal ? { retries2: 8, synRetries: 4, synAckRetries: 4 } : PATIENT),
  delayedAckMax: config.delayedAck === 0 ? 0 : 200 * MILLISECOND,
  keepAliveIdle: MINUTE,
  keepAliveProbes: mortal ? 20 : Infinity,
  ...config,
});
