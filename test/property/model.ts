/**
 * A connection between two stacks, users who do anything at any time, a network that does anything; and the model: a connection is two queues of bytes, each of which ends in good order or with the connection.
 *
 *     user ── calls ──▶ stack ──▶ bad link ──▶ stack ◀── calls ── user
 *       └── what it wrote ──▶ queue of bytes ──▶ what the other one may read ──┘
 *
 * What is checked after each event: what is read is what was written, in order, and EOF comes after the last byte and only after the writer closed. At the end: who was not told of an end by EOF was told by an error, and
 * an error has a cause (somebody aborted, or closed with data unread or still to come); and both stacks are as empty as they were, with no timer left.
 */
import fc from 'fast-check';
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import { NO_IMPAIRMENTS } from '../../src/device/link-options.js';
import type { TcpConfig } from '../../src/tcp/config.js';
import type { Connection } from '../../src/tcp/connection.js';
import { State } from '../../src/tcp/state.js';
import { TcpEvent, type TcpUser } from '../../src/tcp/user.js';
import type { Stack } from '../../src/stack/stack.js';
import { fixIsn } from '../sim/isn.js';
import { B4, B6, byteAt, Hosts } from '../stack/hosts.js';
import { PATIENT } from './bad-link.js';

export type Call =
  | { readonly call: 'send'; readonly bytes: number; readonly more: boolean }
  | { readonly call: 'receive'; readonly pieces: number }
  | { readonly call: 'reading' | 'noDelay' | 'cork'; readonly on: boolean }
  | { readonly call: 'shutdown' | 'close' | 'abort' | 'lingerAndClose' }
  | { readonly call: 'wait' | 'dark'; readonly ms: number };

export interface Step {
  /** 0 is the one that connects. */
  readonly who: 0 | 1;
  readonly what: Call;
}

export interface World {
  readonly version: 4 | 6;
  readonly offload: boolean;
  readonly isns: readonly [number, number];
  readonly link: { loss: number; reorder: number; duplicate: number; corrupt: number; delay: number };
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
  offload: fc.boolean(),
  isns: fc.tuple(...[0, 1].map(() => fc.constantFrom(0, 0x7fffff00, -256, -1))) as fc.Arbitrary<[number, number]>,
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
    arbitrary: fc.record({ call: fc.constant('receive' as const), pieces: fc.integer({ min: 1, max: 5 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ call: fc.constantFrom('reading' as const, 'noDelay' as const, 'cork' as const), on }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ call: fc.constant('wait' as const), ms: fc.constantFrom(0, 1, 10, 50, 300, 3000) }),
  },
  { weight: 1, arbitrary: fc.record({ call: fc.constant('dark' as const), ms: fc.constantFrom(10, 500, 20_000) }) },
  { weight: 1, arbitrary: fc.record({ call: fc.constant('shutdown' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ call: fc.constantFrom('close' as const, 'abort' as const, 'lingerAndClose' as const) }),
  },
);

export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({ who: fc.constantFrom<0 | 1>(0, 1), what: calls }),
  { maxLength: 40 },
);

/** The bytes that party `who` writes: the two streams differ. */
const streamByte = (who: number, i: number): number => byteAt(i) ^ (who * 0x5a);

/** A user, and its half of the model. */
class Party implements TcpUser {
  conn: Connection | null = null;
  other!: Party;
  /** The stream that it writes, and how much of the other's it read. */
  written = 0;
  read = 0;
  reading = false;
  saidEnd = false;
  sawEnd = false;
  closed = false;
  error: string | null = null;
  /** It gave the connection up, in good order or not: it hears nothing of it any more. */
  gone = false;
  /** It may have destroyed what was on its way. */
  brokeOff = false;
  readonly who: 0 | 1;
  private readonly stack: Stack;
  private readonly now: () => number;

  constructor(who: 0 | 1, stack: Stack, now: () => number) {
    this.who = who;
    this.stack = stack;
    this.now = now;
  }

  tcpEvents(conn: Connection, events: number): void {
    this.conn = conn;
    if (this.closed) throw new Error(`party ${this.who} was told of ${events} after the last event`);
    if (events & TcpEvent.error) this.error = conn.error;
    if ((events & TcpEvent.endOfStream) !== 0) {
      if (this.sawEnd) throw new Error(`party ${this.who} was told of EOF twice`);
      this.sawEnd = true;
      const came = this.read + conn.receiveQueued;
      if (!this.other.saidEnd) throw new Error(`party ${this.who} saw an EOF that nobody sent`);
      if (came !== this.other.written)
        throw new Error(`EOF to party ${this.who} after ${came} of ${this.other.written} bytes`);
    }
    if ((events & TcpEvent.closed) !== 0) this.closed = true;
    if (this.reading || this.gone) this.receive(Infinity);
  }

  receive(pieces: number): void {
    const { conn, other } = this;
    if (conn === null) return;
    for (let n = 0; n < pieces; n++) {
      const piece = conn.receive();
      if (piece === null) break;
      if (this.gone) throw new Error(`party ${this.who} closed, and still has data to read`);
      for (const byte of piece) {
        if (this.read >= other.written)
          throw new Error(`party ${this.who} reads byte ${this.read}, which nobody wrote`);
        if (byte !== streamByte(other.who, this.read))
          throw new Error(`party ${this.who}: byte ${this.read} is another`);
        this.read++;
      }
    }
    this.stack.wake(conn);
  }

  send(bytes: number, more: boolean): void {
    const conn = this.conn!;
    const data = Uint8Array.from({ length: bytes }, (_, i) => streamByte(this.who, this.written + i));
    this.written += conn.send(data, more);
  }

  do(what: Call): void {
    const { conn } = this;
    if (conn === null || this.gone) return;
    const now = this.now();
    switch (what.call) {
      case 'send':
        if (!this.saidEnd) this.send(what.bytes, what.more);
        break;
      case 'receive':
        this.receive(what.pieces);
        break;
      case 'reading':
        this.reading = what.on;
        if (what.on) this.receive(Infinity);
        break;
      case 'noDelay':
        conn.setNoDelay(what.on);
        break;
      case 'cork':
        conn.setCork(what.on);
        break;
      case 'shutdown':
        this.end();
        break;
      case 'lingerAndClose':
        conn.setLinger(true, 0);
        this.leave(true);
        conn.release(now);
        break;
      case 'close':
        this.leave(!this.sawEnd || conn.receiveQueued > 0);
        conn.release(now);
        break;
      case 'abort':
        this.leave(true);
        conn.abort(now);
        break;
      default: // time passes: not the user's
    }
    this.stack.wake(conn);
  }

  end(): void {
    // Before the connection is there, CLOSE gives it up (RFC 9293 section 3.10.4).
    if (this.conn!.state === State.synSent) this.leave(true);
    this.saidEnd = true;
    this.conn!.shutdown(this.now());
  }

  private leave(brokeOff: boolean): void {
    this.gone = true;
    this.saidEnd = true;
    if (brokeOff) this.brokeOff = true;
  }
}

/** Null, or what the model did not allow. */
export function play(world: World, script: readonly Step[]): string | null {
  const lane = { ...NO_IMPAIRMENTS, ...world.link };
  const h = new Hosts({
    seed: world.seed,
    offload: world.offload,
    link: { seed: world.seed, in: lane, out: lane },
    config: { ...PATIENT, ...world.config },
  });
  const now = (): number => h.time.now;
  fixIsn(h.a, world.isns[0], now);
  fixIsn(h.b, world.isns[1], now);
  const parties = [new Party(0, h.a, now), new Party(1, h.b, now)] as const;
  const [client, server] = parties;
  client.other = server;
  server.other = client;
  h.b.listen({
    port: 7,
    user: {
      tcpAccept(conn) {
        server.conn = conn;
        conn.user = server;
        return true;
      },
    },
  });
  client.conn = h.a.connect({ remote: world.version === 4 ? B4 : B6, remotePort: 7, user: client });
  h.a.run(now());
  try {
    for (const { who, what } of script) {
      parties[who].do(what);
      if (what.call === 'dark') lane.loss = 1;
      h.time.pass(what.call === 'wait' || what.call === 'dark' ? what.ms * MILLISECOND : 0);
      lane.loss = world.link.loss;
      h.check();
    }
    for (const party of parties) {
      party.reading = true;
      party.do({ call: 'cork', on: false });
      party.do({ call: 'reading', on: true });
    }
    // Who never said that it ends says so now; whoever could still wait for a peer that is gone closes.
    h.time.runUntil(() => client.conn!.state >= State.established, 1e6 * SECOND);
    for (const party of parties) party.do({ call: 'shutdown' });
    h.settle();
    for (const party of parties) if (!party.closed) party.do({ call: 'close' });
    h.settle();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return judge(h, client, server);
}

function judge(h: Hosts, client: Party, server: Party): string | null {
  const brokeOff = client.brokeOff || server.brokeOff;
  for (const party of [client, server]) {
    const name = party === client ? 'the client' : 'the server';
    if (party.conn === null) {
      if (!client.brokeOff) return `${name} never had a connection`;
      continue;
    }
    if (party.conn.state !== State.closed && party.conn.state !== State.timeWait)
      return `${name} ends in ${party.conn.stateName}`;
    if (!party.closed && !party.gone) return `${name} was not told of the end`;
    if (!party.gone && !party.sawEnd && party.error === null) return `${name} heard neither EOF nor an error`;
    if (party.error !== null && !brokeOff) return `${name} has ${party.error}, and nobody gave cause`;
    if (party.error !== null && !['ECONNRESET', 'EPIPE', 'ECONNREFUSED'].includes(party.error))
      return `${name} has ${party.error} where the network never failed for long`;
    if (!brokeOff && party.read !== party.other.written)
      return `${name} read ${party.read} of ${party.other.written} bytes`;
  }
  for (const [who, { tcp }] of Object.entries({ client: h.a, server: h.b })) {
    if (tcp.connectionCount + tcp.timeWait.size > 0) return `the ${who}'s stack still has a connection`;
    if (tcp.env.pool.lent + tcp.env.memory.allocated > 0)
      return `the ${who}'s stack has memory that was not given back`;
  }
  if (h.time.nextTimeout() !== Infinity && h.time.nextTimeout() < Number.MAX_SAFE_INTEGER)
    return `a timer is left, for ${h.time.nextTimeout()} us`;
  return null;
}
