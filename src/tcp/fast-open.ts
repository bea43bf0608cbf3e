/**
 * Fast Open (RFC 7413): data in the SYN, for a client that has a cookie of this server from before.
 *
 *     first time     SYN, cookie request ──▶   ◀── SYN,ACK, cookie
 *     from then on   SYN, cookie, data   ──▶   the data is delivered ◀── SYN,ACK of it all, and perhaps the answer already
 *                    when the server does not take it: SYN,ACK of the SYN alone, and the data goes out again at once
 *
 * Data in a SYN may be delivered twice: only programs for which that does no harm may ask for this
 * (section 6.1). Who has which cookie is the stack's business (stack/tcp/fast-open-cache.ts,
 * stack/tcp/fast-open-server.ts); this is one connection's part: what it remembers. What it does
 * with a SYN is syn-data.ts.
 */
import type { Micros } from '../base/time.js';
import { ABSENT, TcpFlag, type Segment } from '../wire/tcp.js';

/** Bits of net.ipv4.tcp_fastopen. */
export const FastOpenMode = {
  client: 1,
  server: 2,
  /** Data goes out in the SYN also without a cookie. */
  clientWithoutCookie: 4,
  /** It is taken without one. */
  serverWithoutCookie: 0x200,
  /** By every listener, with its backlog as the limit, whether it asked for Fast Open or not. */
  everyListener: 0x400,
} as const;

/** What a client remembers of one server: told what came of each attempt. */
export interface FastOpenMemory {
  /**
   * The SYN,ACK came. `mss`: its MSS. `cookie`: a new one, or null. `synLost`: the SYN with data
   * went missing, a plain one did not.
   */
  learn(o: FastOpenOutcome, now: Micros): void;
  /** Something on the way swallows connections like this one. */
  blackhole(now: Micros): void;
  /** One that was tried after a pause brought data. */
  worked(): void;
}

export interface FastOpenOutcome {
  readonly mss: number;
  readonly cookie: Uint8Array | null;
  readonly experimental: boolean;
  readonly synLost: boolean;
  /** We asked for a cookie and got none: perhaps in the option's other form. */
  readonly notGranted: boolean;
}

/** tcpi_fastopen_client_fail. */
export const FastOpenFailure = { none: 0, noCookie: 1, notAcked: 2, synAgain: 3 } as const;

/** Of one connection. Most have none. */
export class FastOpen {
  /**
   * The option of our first SYN or SYN,ACK: a cookie, or no bytes, a request for one; null for no
   * option.
   */
  readonly cookie: Uint8Array | null;
  /** The option has its experimental form (kind 254, magic 0xF989). */
  readonly experimental: boolean;
  /** Most bytes of data in our SYN. */
  readonly mostSynData: number;
  /** The segment size that the peer took the last time. */
  readonly likelyMss: number;
  readonly memory: FastOpenMemory | null;
  /** Active: the first of its kind since they were left alone for a while. */
  readonly afterPause: boolean;
  /** Passive: the SYN's data is taken, and ours may go out before the handshake ends. */
  readonly accepted: boolean;
  /** Active: how much data our SYN had, and whether the SYN,ACK acknowledged it. */
  synData = 0;
  synDataAcked = false;
  /** Active: why the SYN's data was of no use (tcpi_fastopen_client_fail). */
  failure: number = FastOpenFailure.none;
  /** Passive: how much data of the peer's SYN was taken. */
  takenSynData = 0;

  constructor(o: {
    cookie: Uint8Array | null;
    experimental: boolean;
    accepted?: boolean;
    mostSynData?: number;
    likelyMss?: number;
    memory?: FastOpenMemory;
    afterPause?: boolean;
  }) {
    this.cookie = o.cookie;
    this.experimental = o.experimental;
    this.accepted = o.accepted ?? false;
    this.mostSynData = o.mostSynData ?? 0;
    this.likelyMss = o.likelyMss ?? 0;
    this.memory = o.memory ?? null;
    this.afterPause = o.afterPause ?? false;
    if (o.cookie?.length === 0) this.failure = FastOpenFailure.noCookie;
  }

  /**
   * The retransmission timer expired, after `timeouts` others in a row. As Linux: the third one, or
   * the last, says that something on the way swallows connections that begin like this.
   */
  timedOut(timeouts: number, gaveUp: boolean, now: Micros): void {
    const { memory } = this;
    if (memory === null || (this.cookie === null && this.synData === 0)) return;
    if (timeouts === 2 || (timeouts < 2 && gaveUp)) memory.blackhole(now);
  }

  /**
   * A RST that is not the next in sequence, on a connection that brought no data yet: as Linux,
   * what was before it may have been swallowed.
   */
  resetOutOfOrder(dataSegsIn: number, now: Micros): void {
    if (dataSegsIn === 0) this.askingMemory?.blackhole(now);
  }

  /**
   * The connection is over. As Linux: all that came is a FIN behind a hole (`finBeyondHole`), so
   * what was before it was swallowed; or data came, so nothing is wrong any more.
   */
  connectionEnds(dataSegsIn: number, finBeyondHole: boolean, now: Micros): void {
    const memory = this.askingMemory;
    if (memory === null) return;
    if (dataSegsIn > 0) {
      if (this.afterPause) memory.worked();
    } else if (finBeyondHole) memory.blackhole(now);
  }

  /** Of an active open whose SYN had the option. */
  private get askingMemory(): FastOpenMemory | null {
    return this.cookie === null ? null : this.memory;
  }
}

/** Is there a SYN with an option of Fast Open, or with data? */
export const asksForFastOpen = (syn: Segment): boolean =>
  syn.has(TcpFlag.SYN) && (syn.payloadBytes > 0 || syn.cookieBytes !== ABSENT);
