/**
 * The sending half by itself, without a connection: a port of a few lines, and figures worked out
 * by hand from the RFCs.
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
import { Rack } from '../../../src/tcp/recovery/rack.js';
import { armRto, isWatched } from '../../../src/tcp/recovery/retransmit-timer.js';
import type { SenderPort } from '../../../src/tcp/send/port.js';
import { SegmentSize } from '../../../src/tcp/send/segment-size.js';
import { Sender } from '../../../src/tcp/send/sender.js';
import { SentQueue, SentSegmentPool } from '../../../src/tcp/send/sent-queue.js';
import { TcpStats } from '../../../src/tcp/stats.js';
import { Timer, Timers } from '../../../src/tcp/timers.js';

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

/** A sender that sent `segments` full segments at 1 ms, 2 ms, ...; SACK was agreed on. */
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

describe('a Sender alone', () => {
  it('takes an ACK: SND.UNA moves, the scoreboard empties, and RTO is SRTT + max(4 RTTVAR, 200 ms)', () => {
    const { snd, port } = sending(2);
    acknowledgmentArrives(snd, ack(1 + 2 * MSS), 65_535, 101 * MILLISECOND);
    expect(snd.una).toBe(2001);
    expect(port.acked).toBe(2000);
    expect(snd.sent.out).toBe(0);
    // RFC 6298 2.2: R = 100 ms, of the first one; RTTVAR = 50 ms, RTO = 100 + 4 * 50.
    expect(snd.rtt.srtt).toBe(100 * MILLISECOND);
    expect(snd.rtt.rto).toBe(300 * MILLISECOND);
    expect(isWatched(snd)).toBe(false);
  });

  it('takes SACK blocks: RACK finds the first lost (RFC 8985), and recovery halves by beta (RFC 9438: 0.7)', () => {
    const { snd, port } = sending(5);
    const now = 106 * MILLISECOND;
    acknowledgmentArrives(snd, ack(1, [1 + 2 * MSS, 1 + 5 * MSS]), 65_535, now);
    expect(snd.sent.sackedOut).toBe(3);
    // Three are SACKed, so there is no margin for reordering: what went before them is lost.
    expect(snd.sent.lostOut).toBe(2);
    expect(snd.recovery.state).toBe(CaState.recovery);
    expect(snd.congestion.ssthresh).toBe(7);
    expect(snd.counters.TcpExtTCPSackRecovery).toBe(1);
    expect(port.notes).toContain('fast-retransmit');
  });

  it('without SACK three duplicate ACKs say that the first is lost (RFC 5681 section 3.2), two do not', () => {
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

describe('SentQueue and Rack alone', () => {
  it('what was sent before the newest delivered is lost a round trip and the margin later (RFC 8985 section 6.2)', () => {
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
