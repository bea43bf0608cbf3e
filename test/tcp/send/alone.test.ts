/**
 * The sending half by itself, without a connection, with values calculated by hand from the RFCs.
 */
import { describe, expect, it } from 'vitest';
import { SlabPool } from '../../../src/base/slab-pool.js';
import { MILLISECOND, NEVER, type Micros } from '../../../src/base/time.js';
import { Segment, TcpFlag } from '../../../src/wire/tcp.js';
import { PROFILES } from '../../../src/tcp/config.js';
import { AckSample, CaState } from '../../../src/tcp/congestion/ack-sample.js';
import { TcpCounters } from '../../../src/tcp/counters.js';
import { acknowledgmentArrives } from '../../../src/tcp/recovery/ack.js';
import type { Note, NoteTaker } from '../../../src/tcp/notes.js';
import { AckNews } from '../../../src/tcp/recovery/ack-news.js';
import { Recovery } from '../../../src/tcp/recovery/recovery-state.js';
import { enterLoss } from '../../../src/tcp/recovery/recovery.js';
import { Rack } from '../../../src/tcp/recovery/rack.js';
import { armRto, isWatched } from '../../../src/tcp/recovery/rto.js';
import type { SenderPort } from '../../../src/tcp/send/port.js';
import { SegmentSize } from '../../../src/tcp/send/segment-size.js';
import { Sender } from '../../../src/tcp/send/sender.js';
import { SentQueue, SentSegmentPool } from '../../../src/tcp/send/sent-queue.js';
import { TcpStats } from '../../../src/tcp/stats.js';
import { Timers } from '../../../src/tcp/timer-table.js';
import { Timer } from '../../../src/tcp/timers.js';

const MSS = 1000;
/** The SYN has sequence number 0, data begins at 1. */
const ISS = 0;

class Port implements SenderPort {
  readonly timers = new Timers();
  readonly stats = new TcpStats();
  userTimeout: Micros = 0;
  readonly isOpening = false;
  readonly notes: string[] = [];
  observed: NoteTaker | null = this;
  acked = 0;
  note({ note }: Note): void {
    this.notes.push(note);
  }
  setTimer(timer: Timer, deadline: Micros): void {
    this.timers.set(timer, deadline);
  }
  stopTimer(timer: Timer): void {
    this.timers.stop(timer);
  }
  acknowledged(bytes: number): void {
    this.acked += bytes;
  }
}

/** A sender that sent `segments` full segments at 1 ms, 2 ms, ...; SACK was negotiated. */
function sending(segments: number): { snd: Sender; port: Port } {
  const port = new Port();
  const env = {
    counters: new TcpCounters(),
    pool: new SlabPool(),
    records: new SentSegmentPool(),
    news: new AckNews(),
    sample: new AckSample(),
  };
  const snd = new Sender(
    port,
    ISS,
    0,
    PROFILES.linux,
    env,
    new SegmentSize(20, 1500, PROFILES.linux.mtuDiscover),
  );
  snd.timestamps = false;
  snd.mss = MSS;
  snd.synUnacked = false;
  snd.una = snd.nxt = 1;
  snd.highestSacked = 1;
  snd.recovery.highSeq = 1;
  snd.updateWindow(0, 1, 65_535);
  snd.congestion.start(10, MSS, 0, 0);
  for (let i = 0; i < segments; i++) {
    const now = (i + 1) * MILLISECOND;
    snd.buffer.write(new Uint8Array(MSS));
    snd.nxt += MSS;
    const record = snd.sent.push(snd.nxt - MSS, snd.nxt, 0, MSS, now);
    snd.rate.onSent(record, i === 0, now);
  }
  return { snd, port };
}

function ack(ackNo: number, ...sack: [left: number, right: number][]): Segment {
  const seg = new Segment();
  seg.clear();
  seg.flags = TcpFlag.ACK;
  seg.seq = 1;
  seg.ack = ackNo;
  seg.wnd = 65_535;
  seg.sackCount = sack.length;
  sack.forEach(([left, right], i) => seg.sackEdges.set([left, right], 2 * i));
  return seg;
}

/** As output does: retransmits segments that are marked lost, while cwnd has room. */
function resendLost(snd: Sender, now: Micros): number[] {
  const resent = [];
  while (snd.sent.nextToResend() >= 0 && snd.sent.inFlight < snd.congestion.cwnd) {
    const i = snd.sent.nextToResend();
    const record = snd.sent.at(i);
    snd.recovery.undo.onResent(record.segments, now);
    snd.sent.markResent(record, now);
    snd.port.stats.retransmissions += record.segments;
    resent.push(record.start);
  }
  return resent;
}

describe('a Sender alone', () => {
  it('processes an ACK: SND.UNA advances, the scoreboard empties, and RTO is SRTT + max(4 RTTVAR, 200 ms)', () => {
    const { snd, port } = sending(2);
    acknowledgmentArrives(snd, ack(1 + 2 * MSS), 65_535, 101 * MILLISECOND);
    expect(snd.una).toBe(2001);
    expect(port.acked).toBe(2000);
    expect(snd.sent.out).toBe(0);
    // RFC 6298 2.2: R = 100 ms, from the first segment; RTTVAR = 50 ms, RTO = 100 + 4 * 50.
    expect(snd.rtt.srtt).toBe(100 * MILLISECOND);
    expect(snd.rtt.rto).toBe(300 * MILLISECOND);
    expect(isWatched(snd)).toBe(false);
  });

  it('processes SACK blocks: RACK marks the first segment lost (RFC 8985), and recovery reduces cwnd by beta (RFC 9438: 0.7)', () => {
    const { snd, port } = sending(5);
    const now = 106 * MILLISECOND;
    acknowledgmentArrives(snd, ack(1, [1 + 2 * MSS, 1 + 5 * MSS]), 65_535, now);
    expect(snd.sent.sackedOut).toBe(3);
    // Three are SACKed, so there is no margin for reordering: the segments before them are lost.
    expect(snd.sent.lostOut).toBe(2);
    expect(snd.recovery.state).toBe(CaState.recovery);
    expect(snd.congestion.ssthresh).toBe(7);
    expect(snd.counters.TcpExtTCPSackRecovery).toBe(1);
    expect(port.notes).toContain('fast-retransmit');
  });

  it('without SACK three duplicate ACKs mark the first segment lost (RFC 5681 section 3.2), two do not', () => {
    const { snd } = sending(5);
    snd.sack = false;
    for (let i = 1; i <= 3; i++) {
      expect(snd.recovery.state).not.toBe(CaState.recovery);
      acknowledgmentArrives(snd, ack(1), 65_535, (100 + i) * MILLISECOND);
    }
    expect(snd.recovery.state).toBe(CaState.recovery);
    expect(snd.sent.lostOut).toBe(1);
  });

  it('arms the retransmission timer, no later than the user timeout allows (RFC 5482)', () => {
    const { snd, port } = sending(1);
    armRto(snd, 1000, 500);
    expect(port.timers.deadline(Timer.rto)).toBe(1500);
    port.userTimeout = 800;
    snd.retransmittingSince = 400;
    armRto(snd, 1000, 500);
    expect(port.timers.deadline(Timer.rto)).toBe(1200);
    port.timers.stop(Timer.rto);
    expect(port.timers.next()).toBe(NEVER);
  });
});

describe('Recovery alone', () => {
  const SACKED_AT = 106 * MILLISECOND;
  const ALL = 1 + 5 * MSS;

  /** Of five segments the last three are SACKed, and the first two were retransmitted. */
  function recovering(): Sender {
    const { snd } = sending(5);
    acknowledgmentArrives(snd, ack(1, [1 + 2 * MSS, ALL]), 65_535, SACKED_AT);
    expect(resendLost(snd, SACKED_AT)).toEqual([1, 1 + MSS]);
    return snd;
  }

  it('counts retransmissions not yet reported as duplicates (RFC 3708)', () => {
    const recovery = new Recovery(ISS);
    expect([recovery.state, recovery.isReducing]).toEqual([CaState.open, false]);
    recovery.undo.arm(1, 0);
    recovery.undo.onResent(2, 500);
    recovery.undo.onResent(1, 700);
    expect(recovery.undo.firstResentAt).toBe(500);
    recovery.undo.onDuplicate(2);
    expect(recovery.undo.resent).toBe(1);
    recovery.undo.onDuplicate(5); // more than were retransmitted: the network duplicated some
    expect(recovery.undo.resent).toBe(0);
  });

  it('after the losses are repaired, the state is Open and cwnd is ssthresh (RFC 5681 section 3.2 step 6)', () => {
    const snd = recovering();
    expect(snd.recovery.isReducing).toBe(true);
    // The ACK that reaches RecoveryPoint ends it.
    acknowledgmentArrives(snd, ack(ALL), 65_535, 2 * SACKED_AT);
    expect(snd.recovery.state).toBe(CaState.open);
    expect([snd.congestion.cwnd, snd.congestion.ssthresh]).toEqual([7, 7]);
    expect(isWatched(snd)).toBe(false);
  });

  it('if originals and retransmissions arrived, nothing was lost and cwnd is restored (RFC 2883, RFC 3708)', () => {
    const snd = recovering();
    // D-SACK: the first block is below SEG.ACK.
    acknowledgmentArrives(snd, ack(ALL, [1, 1 + 2 * MSS]), 65_535, 2 * SACKED_AT);
    expect(snd.recovery.state).toBe(CaState.open);
    expect([snd.congestion.cwnd, snd.congestion.ssthresh]).toEqual([10, Infinity]);
    expect(snd.counters.TcpExtTCPFullUndo).toBe(1);
  });

  it('after a timeout all overdue segments are lost, cwnd is one, and F-RTO checks whether it was spurious (RFC 5682)', () => {
    const { snd } = sending(5);
    enterLoss(snd, 1300 * MILLISECOND);
    snd.timeouts++;
    expect(snd.recovery).toMatchObject({ state: CaState.loss, frto: true, highSeq: ALL });
    expect([snd.sent.lostOut, snd.congestion.cwnd]).toEqual([5, 1]);
    expect(snd.congestion.ssthresh).toBe(7);
    expect(resendLost(snd, 1300 * MILLISECOND)).toEqual([1]);
    // Step 3b: the ACK covers data that was not retransmitted, so the timeout was spurious.
    acknowledgmentArrives(snd, ack(1 + 3 * MSS), 65_535, 1310 * MILLISECOND);
    expect(snd.recovery.state).toBe(CaState.open);
    expect(snd.counters.TcpExtTCPSpuriousRTOs).toBe(1);
    expect(snd.congestion.cwnd).toBeGreaterThanOrEqual(10);
  });
});

describe('SentQueue and Rack alone', () => {
  it('segments sent before the newest delivered one are lost after a round trip and the margin (RFC 8985 section 6.2)', () => {
    const sent = new SentQueue(new SentSegmentPool());
    const rack = new Rack();
    for (const at of [0, 1000, 2000]) sent.push(at, at + 1000, 0, 1000, at);
    // The third, sent at 2,000 us, is delivered at 12,000 us: RACK.rtt = 10,000 us.
    const third = sent.at(2);
    rack.advance(third, 10_000, 12_000);
    sent.markSacked(third);
    const margin = rack.reoWnd(true, false, 10_000, 10_000);
    expect(margin).toBe(2500); // a quarter of the smallest round trip
    // Due at 12,500 us and at 13,500 us.
    expect(rack.detectLoss(sent, margin, 12_000)).toBe(1500);
    expect(sent.lostOut).toBe(0);
    expect(rack.detectLoss(sent, margin, 12_500)).toBe(1000);
    expect(sent.lostOut).toBe(1);
    expect(rack.detectLoss(sent, margin, 13_500)).toBe(0);
    expect(sent.inFlight).toBe(0);
    expect(sent.nextToResend()).toBe(0);
  });
});
