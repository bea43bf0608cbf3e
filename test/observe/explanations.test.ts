/**
 * Compares each explanation with the behaviour of the code: the window before and after, and the
 * reason of the change. An explanation must be true in all cases, not only in most.
 */
import { describe, expect, it } from 'vitest';
import type { Note } from '../../src/tcp/notes.js';
import type { SegmentData, TraceEvent } from '../../src/observe/events.js';
import { Explainer } from '../../src/observe/explain.js';
import { Recorder } from '../../src/observe/recorder.js';
import { segmentOf, StepBuilder } from '../../src/observe/steps.js';
import { converse, type ConversationOptions, START } from './conversation.js';

/** The events of a conversation, and a line with flags and sentences for each step. */
function explained(options: ConversationOptions): { events: TraceEvent[]; lines: string[] } {
  const events: TraceEvent[] = [];
  const lines: string[] = [];
  const explainer = new Explainer();
  const steps = new StepBuilder((step) => {
    lines.push(`${segmentOf(step)?.flags ?? ''} ${explainer.why(step).join('; ')}`);
  });
  const recorder = new Recorder((event) => {
    events.push(event);
    steps.add(event);
  }, START);
  converse({ link: 'delay 5ms', ...options, observer: recorder, linkListener: recorder });
  steps.flush();
  return { events, lines };
}

const sentences = (options: ConversationOptions): string => explained(options).lines.join('\n');

type Draft = { name: string; data: object };
const SEGMENT = {
  flags: '.',
  seq: 1,
  ack: 1,
  relSeq: 1,
  relAck: 1,
  wnd: 9,
  window: 9,
  length: 0,
  gsoSize: 0,
  options: {},
};
const received = (set: Partial<SegmentData>, expected = 1, held = 0): Draft => ({
  name: 'tcp:segment_received',
  data: { segment: { ...SEGMENT, ...set }, state: 'ESTABLISHED', expected, held },
});
const sent = (set: Partial<SegmentData>, again = false, state = 'ESTABLISHED'): Draft => ({
  name: 'tcp:segment_sent',
  data: { segment: { ...SEGMENT, ...set }, state, again },
});

const noted = (data: Note): Draft => ({ name: 'tcp:note', data });

/** All sentences about these events, one after the other, of one connection. */
function told(...events: readonly object[]): string {
  const explainer = new Explainer();
  const lines: string[] = [];
  const steps = new StepBuilder((step) => lines.push(...explainer.why(step)));
  events.forEach((event, time) => {
    steps.add({ time: Math.floor(time / 100), group_id: 'a b', ...event } as TraceEvent);
  });
  steps.flush();
  return lines.join('\n');
}

describe('the congestion window after timeouts', () => {
  it('the first timeout reduces it to one segment, the next one leaves it there', () => {
    const all = sentences({ link: 'drop out:data:3 delay 5ms' });
    expect(all).toContain(
      'the first timeout; congestion window 10 -> 1 segment: segments still in flight plus one',
    );
    expect(all).toContain('twice the last wait (exponential backoff, RFC 6298 5.5)');
    const more = sentences({ link: 'drop out:data:4 delay 5ms' });
    expect(more).toContain('2 timeouts in a row; congestion window stays at 1 segment');
  });

  it('is not mentioned without a congestion control', () => {
    const { events, lines } = explained({
      link: 'drop out:data:3 delay 5ms',
      config: { congestionControl: 'none' },
    });
    expect(lines.join('\n')).toContain('the first timeout');
    expect(lines.join('\n')).not.toMatch(/Infinity|congestion window (stays|\d)/);
    expect(JSON.parse(JSON.stringify(events))).toEqual(events);
  });
});

describe('why the congestion window moves', () => {
  const LOSS = { link: 'drop out:data:12-12 delay 5ms', responseBytes: 200_000 };

  it('slow start, proportional rate reduction, its end, and congestion avoidance', () => {
    const all = sentences({ ...LOSS, config: { congestionControl: 'reno' } });
    expect(all).toMatch(/congestion window 10 -> 20 segments: slow start \(RFC 5681 3\.1\)/);
    const moves = 'congestion window \\d+ -> \\d+';
    expect(all).toMatch(
      new RegExp(`${moves} segments?: proportional rate reduction, towards \\d+ \\(RFC 9937\\)`),
    );
    expect(all).toMatch(
      new RegExp(
        `Recovery -> Open; [^]*${moves} segments: the reduction is over \\(ssthresh \\d+\\)`,
      ),
    );
    expect(all).toMatch(
      /congestion window \d+ -> \d+ segments: congestion avoidance \(RFC 5681 3\.1\)/,
    );
  });

  it('names CUBIC, and BBR with its model', () => {
    const cubic = sentences({ ...LOSS, responseBytes: 900_000 });
    expect(cubic).toContain('congestion avoidance (CUBIC, RFC 9438 4)');
    const bbr = sentences({ ...LOSS, config: { congestionControl: 'bbr' } });
    expect(bbr).toContain("segments: BBR's model of the path");
    expect(bbr).not.toMatch(/slow start|congestion avoidance|proportional/);
  });

  it('growth in recovery is never called congestion avoidance', () => {
    const { events } = explained(LOSS);
    const inRecovery = events.filter(
      (e) => e.name === 'tcp:note' && e.data.note === 'cwnd' && e.data.recovery === 'Recovery',
    );
    expect(inRecovery.length).toBeGreaterThan(0);
  });
});

describe('why a segment is considered lost', () => {
  it('because of SACK and time, or because of duplicate ACKs', () => {
    const lost = { link: 'drop out:data:2-2 delay 5ms', responseBytes: 20_000 };
    const sack = sentences(lost);
    expect(sack).toContain(
      'sent again: a segment that was sent later has arrived, so this one is lost (RFC 8985 6.2)',
    );
    expect(sack).not.toContain('duplicate ACKs say');
    expect(sentences({ ...lost, config: { sack: false } })).toContain(
      'sent again: 3 duplicate ACKs indicate that it was lost (RFC 5681 3.2)',
    );
  });

  it('a SYN,ACK because the peer repeated its SYN, also one that requests ECN', () => {
    expect(
      told(
        received({ flags: 'SEW' }),
        received({ flags: 'SEW' }),
        sent({ flags: 'S.E', relAck: 1 }, true),
      ),
    ).toContain('sent again: the peer repeated its SYN, so our SYN,ACK may be lost');
  });
});

describe('a zero window', () => {
  const probe = { name: 'recovery:timer_stopped', data: { timer: 'persist' } };

  it('a reply with a zero window does not end the probing', () => {
    expect(told(received({ window: 0 }), probe)).toContain('its window is still zero');
    expect(told(received({ window: 512 }), probe)).toContain(
      'the window is open again: probing ends',
    );
  });

  it('a FIN alone may be waiting', () => {
    const note = (unsent: number): object => noted({ note: 'zero-window-probe', probe: 1, unsent });
    expect(told(received({}), note(0))).toContain("the peer's window is zero and our FIN waits");
    expect(told(received({}), note(1))).toContain("the peer's window is zero and 1 byte waits");
  });
});

describe('incoming data', () => {
  it('advances RCV.NXT, fills a gap, or is a duplicate in part', () => {
    const text = { flags: 'P.', relSeq: 101, length: 100 };
    expect(told(received(text, 101))).toContain('100 bytes in order: RCV.NXT moves on to 201');
    expect(told(received(text, 151))).toContain(
      '100 bytes in order (the first 50 arrived before): RCV.NXT moves on to 201',
    );
    expect(told(received(text, 101, 500))).toContain(
      'it fills part of the gap before data that arrived earlier',
    );
    expect(told(received(text, 101, 500), sent({ relAck: 701 }))).toContain(
      'the segment fills a gap',
    );
  });
});

describe('outgoing segments', () => {
  it('a FIN does not end receiving, unless the peer has closed before', () => {
    expect(told(sent({ flags: 'F.' }, false, 'FIN-WAIT-1'))).toContain(
      'all our data; we can still receive',
    );
    expect(told(sent({ flags: 'F.' }, false, 'LAST-ACK'))).toContain(
      'FIN: we have sent all our data (RFC 9293 3.6)',
    );
  });

  it('a SYN,ACK may acknowledge the data of a SYN', () => {
    expect(told(sent({ flags: 'S.', relAck: 1 }))).toContain('ACK = their ISN + 1 (RFC');
    expect(told(sent({ flags: 'S.', relAck: 51 }))).toContain(
      'ACK = their ISN + 1 + the 50 bytes of their SYN (RFC',
    );
    expect(told(sent({ flags: 'S', length: 50 }))).toContain('with 50 bytes of data (Fast Open)');
  });

  it('new data in a probe is not explained by the congestion window', () => {
    const tlp = { name: 'recovery:timer_expired', data: { timer: 'tlp' } };
    expect(told(tlp, sent({ length: 10 }))).toContain(
      '10 bytes of data, new, as a probe (RFC 8985 7.3)',
    );
    expect(told(sent({ length: 10 }))).toContain(
      '10 bytes of data, within the window and the congestion window',
    );
    expect(told(sent({ length: 10 }, true))).toContain('10 bytes of data; it carries the ACK too');
  });

  it('a timer is backed off only if it is armed again after it expired', () => {
    const armed = (inUs: number): object => ({
      name: 'recovery:timer_set',
      data: { timer: 'rto', inUs },
    });
    const rto = { name: 'recovery:timer_expired', data: { timer: 'rto' } };
    expect(
      told(sent({ length: 1 }), armed(200_000), rto, sent({ length: 1 }, true), armed(400_000)),
    ).toContain('twice');
    expect(
      told(sent({ length: 1 }), armed(200_000), sent({ length: 1 }, true), armed(400_000)),
    ).not.toContain('twice');
  });
});

describe('notes about the congestion window', () => {
  const MOVED = { note: 'cwnd', control: 'cubic', ssthresh: 7, recovery: 'Open' } as const;
  const cwnd = (cwnd: number, before: number, more: object): object =>
    noted({ ...MOVED, cwnd, before, ...more });

  it.each([
    [
      [noted({ note: 'undo', proof: 'full', cwnd: 10 }), cwnd(10, 7, {})],
      'congestion window 7 -> 10 segments: the reduction is undone',
    ],
    [
      [cwnd(6, 9, { recovery: 'CWR' })],
      'congestion window 9 -> 6 segments: proportional rate reduction, towards 7',
    ],
    [
      [noted({ note: 'ca-state', state: 'Open', before: 'CWR' }), cwnd(7, 5, {})],
      'congestion window 5 -> 7 segments: the reduction is over (ssthresh 7)',
    ],
    [
      [noted({ note: 'path-mtu', mtu: 1500, cause: 'probe' }), cwnd(9, 10, {})],
      'congestion window 10 -> 9 segments: the same bytes in larger segments',
    ],
    [[cwnd(2, 1, { recovery: 'Loss' })], 'congestion window 1 -> 2 segments: slow start'],
    [[cwnd(12, 10, { ssthresh: null })], 'congestion window 10 -> 12 segments: slow start'],
    [[cwnd(8, 7, {})], 'congestion window 7 -> 8 segments: congestion avoidance (CUBIC'],
  ])('%#', (events, words) => {
    expect(told(received({}), ...events)).toContain(words);
  });

  it('an ECN mark reduces the congestion window only if there is one', () => {
    const marked = (ssthresh: number | null, control: string): object =>
      noted({ note: 'ecn-reduced', ssthresh, control });
    expect(told(received({}), marked(7, 'cubic'))).toContain('is reduced to 7 segments');
    expect(told(received({}), marked(null, 'none'))).toMatch(/ECE: a router marked our data \(RFC/);
  });
});

describe('options and numbers', () => {
  it('window scaling with shifts of 0 is window scaling', () => {
    const small = { receiveBufferBytes: 60_000 };
    expect(sentences({ config: small, clientConfig: small })).toContain(
      'window scale: theirs 0, ours 0',
    );
    expect(sentences({ config: { windowScaling: false } })).toContain('no window scaling');
  });

  it('sequence numbers are unsigned in JSON, and all figures are finite', () => {
    const { events } = explained({ link: 'drop out:data:3 delay 5ms', responseBytes: 20_000 });
    const figures = events.flatMap((e) =>
      e.name === 'tcp:note' ? Object.values(e.data).filter((n) => typeof n === 'number') : [],
    );
    expect(figures.length).toBeGreaterThan(0);
    expect(figures.filter((n) => n < 0 || !Number.isFinite(n))).toEqual([]);
    const chosen = events.find((e) => e.name === 'tcp:note' && e.data.note === 'iss-chosen');
    expect(chosen?.data).toMatchObject({ iss: 0xfffffff0 });
  });
});
