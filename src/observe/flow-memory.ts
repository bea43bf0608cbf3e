/**
 * What must be remembered of each connection to read its segments: the initial sequence numbers and
 * window scales of both directions. Only the SYNs carry them, and later numbers are relative to
 * them.
 */
import { flagsText } from '../wire/flags-text.js';
import type { Segment } from '../wire/tcp.js';
import { ABSENT, Ecn, MAX_WINDOW_SHIFT, TcpFlag } from '../wire/tcp.js';
import type { SegmentData, SegmentOptions } from './events.js';

/** One direction of a connection. */
class Side {
  isn = 0;
  known = false;
  wscale = ABSENT;
}

export interface TheirSyn {
  readonly irs: number;
  /** Window scale shifts of both directions; null without window scaling. */
  readonly scales: { readonly in: number; readonly out: number } | null;
}

export class FlowMemory {
  readonly local: string;
  readonly remote: string;
  /** The connection's group_id in events: `LOCAL REMOTE`. */
  readonly id: string;
  private readonly out = new Side();
  private readonly in = new Side();

  constructor(local: string, remote: string) {
    this.local = local;
    this.remote = remote;
    this.id = `${local} ${remote}`;
  }

  /**
   * Copies the numbers from the connection. An observer that attached later has not seen the SYNs,
   * or may remember an earlier connection with the same ports.
   */
  learn(iss: number, theirs: TheirSyn | null): void {
    remember(this.out, iss);
    if (theirs === null) return;
    remember(this.in, theirs.irs);
    this.in.wscale = theirs.scales?.in ?? ABSENT;
    this.out.wscale = theirs.scales?.out ?? ABSENT;
  }

  read(seg: Segment, outgoing: boolean): SegmentData {
    const mine = outgoing ? this.out : this.in;
    const theirs = outgoing ? this.in : this.out;
    const syn = seg.has(TcpFlag.SYN);
    if (syn) {
      remember(mine, seg.seq);
      mine.wscale = seg.wscale;
    }
    const scaled = !syn && mine.wscale >= 0 && theirs.wscale >= 0;
    const data: SegmentData = {
      flags: flagsText(seg.flags),
      seq: seg.seq >>> 0,
      ack: seg.ack >>> 0,
      relSeq: mine.known ? (seg.seq - mine.isn) >>> 0 : seg.seq >>> 0,
      relAck: seg.has(TcpFlag.ACK)
        ? theirs.known
          ? (seg.ack - theirs.isn) >>> 0
          : seg.ack >>> 0
        : 0,
      wnd: seg.wnd,
      window: scaled ? seg.wnd * 2 ** Math.min(mine.wscale, MAX_WINDOW_SHIFT) : seg.wnd,
      length: seg.payloadBytes,
      gsoSize: seg.gsoSize,
      options: optionsOf(seg),
    };
    if (seg.has(TcpFlag.URG)) data.urg = seg.urgentPointer;
    if (seg.ecn === Ecn.ce) data.ce = true;
    return data;
  }
}

function remember(side: Side, isn: number): void {
  side.isn = isn;
  side.known = true;
}

function optionsOf(seg: Segment): SegmentOptions {
  const options: SegmentOptions = {};
  if (seg.mss !== ABSENT) options.mss = seg.mss;
  if (seg.sackPermitted) options.sackPermitted = true;
  if (seg.hasTimestamps) options.timestamps = { val: seg.tsVal >>> 0, ecr: seg.tsEcr >>> 0 };
  if (seg.wscale !== ABSENT) options.wscale = seg.wscale;
  if (seg.cookieBytes !== ABSENT) options.fastOpen = hexOf(seg.cookie, seg.cookieBytes);
  if (seg.sackCount > 0) {
    options.sack = Array.from({ length: seg.sackCount }, (_, i): [number, number] => [
      seg.sackEdges[2 * i]! >>> 0,
      seg.sackEdges[2 * i + 1]! >>> 0,
    ]);
  }
  return options;
}

const hexOf = (bytes: Uint8Array, count: number): string =>
  Array.from(bytes.subarray(0, count), (b) => b.toString(16).padStart(2, '0')).join('');
