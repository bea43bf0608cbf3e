/**
 * Fast Open (RFC 7413): data in the SYN, if the client has a cookie from an earlier connection to
 * this server.
 *
 *     first          SYN, cookie request ──▶   ◀── SYN,ACK, cookie
 *     later          SYN, cookie, data   ──▶   data is delivered   ◀── SYN,ACK of SYN and data
 *     not accepted   SYN, cookie, data   ──▶   ◀── SYN,ACK of the SYN; the data is sent again
 *
 * Data in a SYN may be delivered twice, so only programs that tolerate it may request Fast Open
 * (section 6.1). The stack keeps the cookies (stack/tcp/fast-open-cache.ts,
 * stack/tcp/fast-open-server.ts). This file holds the state of one connection; syn-data.ts handles
 * its SYN.
 */
import type { Micros } from '../base/time.js';
import type { Bytes } from '../base/units.js';
import { ABSENT, TcpFlag, type Segment } from '../wire/tcp.js';

/** Bits of net.ipv4.tcp_fastopen. */
export const FastOpenMode = {
  client: 1,
  server: 2,
  /** The client sends data in the SYN even without a cookie. */
  clientWithoutCookie: 4,
  /** The server accepts data without a cookie. */
  serverWithoutCookie: 0x200,
  /**
   * Every listener accepts it, with its backlog as the limit, even without requesting Fast Open.
   */
  everyListener: 0x400,
} as const;

/** What a client stores for one server; it is told the outcome of each attempt. */
export interface FastOpenMemory {
  /**
   * The SYN,ACK arrived. `mss`: its MSS. `cookie`: a new one, or null. `synLost`: the SYN with data
   * was lost and a plain one was not.
   */
  learn(o: FastOpenOutcome, now: Micros): void;
  /** Something on the path drops connections that use Fast Open. */
  blackhole(now: Micros): void;
  /** An attempt after a pause delivered data. */
  worked(): void;
}

export interface FastOpenOutcome {
  readonly mss: Bytes;
  readonly cookie: Uint8Array | null;
  readonly experimental: boolean;
  readonly synLost: boolean;
  /** We requested a cookie and got none; the server may know only the option's other form. */
  readonly notGranted: boolean;
}

/** tcpi_fastopen_client_fail. */
export const FastOpenFailure = { none: 0, noCookie: 1, notAcked: 2, synAgain: 3 } as const;

/** Fast Open state of a connection; most connections have none. */
export class FastOpen {
  /**
   * The option in our first SYN or SYN,ACK: a cookie, or an empty array for a cookie request; null
   * for no option.
   */
  readonly cookie: Uint8Array | null;
  /** The option uses the experimental form (kind 254, magic 0xF989). */
  readonly experimental: boolean;
  /** Most bytes of data in our SYN. */
  readonly mostSynData: Bytes;
  /** The peer's MSS from the last connection. */
  readonly likelyMss: Bytes;
  readonly memory: FastOpenMemory | null;
  /** Active: the first attempt after a pause. */
  readonly afterPause: boolean;
  /** Passive: the SYN's data is accepted, and we may send data before the handshake ends. */
  readonly accepted: boolean;
  /** Active: bytes of data in our SYN, and whether the SYN,ACK acknowledged them. */
  synData: Bytes = 0;
  synDataAcked = false;
  /** Active: why Fast Open failed (tcpi_fastopen_client_fail). */
  failure: number = FastOpenFailure.none;
  /** Passive: accepted bytes of the peer's SYN. */
  takenSynData: Bytes = 0;

  constructor(o: {
    cookie: Uint8Array | null;
    experimental: boolean;
    accepted?: boolean;
    mostSynData?: Bytes;
    likelyMss?: Bytes;
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
   * The retransmission timer expired, after `timeouts` others in a row. As in Linux the third
   * timeout, or the last one, means that something on the path drops Fast Open connections.
   */
  timedOut(timeouts: number, gaveUp: boolean, now: Micros): void {
    const { memory } = this;
    if (memory === null || (this.cookie === null && this.synData === 0)) return;
    if (timeouts === 2 || (timeouts < 2 && gaveUp)) memory.blackhole(now);
  }

  /**
   * An out-of-order RST arrived on a connection without data so far. As in Linux, the data before
   * it was possibly dropped on the path.
   */
  resetOutOfOrder(dataSegsIn: number, now: Micros): void {
    if (dataSegsIn === 0) this.askingMemory?.blackhole(now);
  }

  /**
   * The connection ended. As in Linux: if only a FIN after a gap arrived (`finBeyondHole`), the
   * data before it was dropped on the path; if data arrived, the path works.
   */
  connectionEnds(dataSegsIn: number, finBeyondHole: boolean, now: Micros): void {
    const memory = this.askingMemory;
    if (memory === null) return;
    if (dataSegsIn > 0) {
      if (this.afterPause) memory.worked();
    } else if (finBeyondHole) memory.blackhole(now);
  }

  /** The memory of an active open whose SYN had the option; else null. */
  private get askingMemory(): FastOpenMemory | null {
    return this.cookie === null ? null : this.memory;
  }
}

/** True for a SYN with a Fast Open option or with data. */
export const asksForFastOpen = (syn: Segment): boolean =>
  syn.has(TcpFlag.SYN) && (syn.payloadBytes > 0 || syn.cookieBytes !== ABSENT);
