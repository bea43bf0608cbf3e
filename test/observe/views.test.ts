import { describe, expect, it } from 'vitest';
import type { TraceEvent } from '../../src/observe/events.js';
import { Explainer } from '../../src/observe/explain.js';
import { fanOut, fanOutEvents, LinkListenerSet } from '../../src/observe/fanout.js';
import { Ladder, wrap } from '../../src/observe/ladder.js';
import { LiveLines } from '../../src/observe/live.js';
import { Recorder } from '../../src/observe/recorder.js';
import { segmentOf, type Step, StepBuilder } from '../../src/observe/steps.js';
import type { Datagram } from '../../src/stack/observer.js';
import { Drop } from '../../src/wire/drop.js';
import { Segment, TcpFlag } from '../../src/wire/tcp.js';
import { converse, type ConversationOptions, START } from './conversation.js';
import { flowOf } from './mini-host.js';

/** A conversation with all views attached. */
function seen(options: ConversationOptions = {}) {
  const events: TraceEvent[] = [];
  const lines: string[] = [];
  const rungs: string[] = [];
  const live = new LiveLines((line) => lines.push(line));
  const ladder = new Ladder((line) => rungs.push(line));
  const recorder = new Recorder(
    fanOutEvents<TraceEvent>((e) => events.push(e), live.sink, ladder.sink),
    START,
  );
  converse({ ...options, observer: recorder, linkListener: recorder });
  live.flush();
  ladder.flush();
  return { events, lines, ladder: rungs.join('\n'), why: explained(events) };
}

/** Flags and sentences of each step. */
function explained(events: readonly TraceEvent[]): { flags: string; why: string }[] {
  const explainer = new Explainer();
  const all: { flags: string; why: string }[] = [];
  const steps = new StepBuilder((step) => {
    all.push({ flags: segmentOf(step)?.flags ?? '', why: explainer.why(step).join('\n') });
  });
  events.forEach(steps.add);
  steps.flush();
  return all;
}

const DELAYED = 'delay 5ms';

const udp = (length: number): Datagram => ({ kind: 'udp', length });

describe('Recorder', () => {
  it('makes plain data that survives JSON', () => {
    const { events } = seen({ link: 'drop syn-ack:1 delay 5ms' });
    expect(JSON.parse(JSON.stringify(events))).toEqual(events);
    const names = new Set(events.map((e) => e.name));
    for (const name of [
      'tcp:segment_received',
      'tcp:segment_sent',
      'tcp:state_changed',
      'recovery:timer_set',
      'tcp:note',
      'link:dropped',
    ]) {
      // prettier-ignore
      expect(names).toContain(name);
    }
    const times = events.map((e) => e.time);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('records the states of our side in order', () => {
    const states = seen({ link: DELAYED }).events.flatMap((e) =>
      e.name === 'tcp:state_changed' ? [e.data.to] : [],
    );
    expect(states).toEqual(['SYN-RECEIVED', 'ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSED']);
  });

  it('tells whether a checksum was verified by the stack or by the device', () => {
    const checksums = (options: ConversationOptions): unknown[] =>
      seen(options).events.flatMap((e) =>
        e.name === 'tcp:segment_received' ? [e.data.segment.checksum] : [],
      );
    expect(new Set(checksums({ offload: true }))).toEqual(new Set(['vouched']));
    expect(new Set(checksums({ offload: false }))).toEqual(new Set(['verified']));
  });
});

describe('LiveLines', () => {
  it('prints a line for each segment, with the change of our state', () => {
    expect(seen({ link: DELAYED }).lines).toEqual([
      '0.005000 198.18.0.1:51422 → 198.18.0.2:80  [S] seq=0 win=65535 <mss 1460,sackOK,TS,ws ' +
        '5>  LISTEN→SYN-RECEIVED',
      '0.005000 198.18.0.2:80 → 198.18.0.1:51422  [S.] seq=0 ack=1 win=65535 <mss ' +
        '1460,sackOK,TS,ws 5>',
      '0.015000 198.18.0.1:51422 → 198.18.0.2:80  [P.] seq=1 ack=1 win=1048288 len=18  ' +
        'SYN-RECEIVED→ESTABLISHED',
      '0.015000 198.18.0.2:80 → 198.18.0.1:51422  [P.] seq=1 ack=19 win=1048352 len=300',
      '0.025000 198.18.0.1:51422 → 198.18.0.2:80  [F.] seq=19 ack=301 win=1048000  ' +
        'ESTABLISHED→CLOSE-WAIT',
      '0.025000 198.18.0.2:80 → 198.18.0.1:51422  [F.] seq=301 ack=20 win=1048352  ' +
        'CLOSE-WAIT→LAST-ACK',
      '0.035000 198.18.0.1:51422 → 198.18.0.2:80  [.] seq=20 ack=302 win=1048000  LAST-ACK→CLOSED',
    ]);
  });

  it('marks segments that the link dropped, that we dropped, and retransmissions', () => {
    const { lines } = seen({ link: 'drop syn-ack:1 delay 5ms' });
    expect(lines[1]).toMatch(/\[S\.\] .* {2}✗ linkRule syn-ack:1$/);
    expect(lines[2]).toMatch(/\[S\] .* {2}✗ tcpUnacceptable$/);
    expect(lines[3]).toMatch(/\[S\.\] .* {2}again$/);
  });

  it('prints at most its limit of lines a second, and the number of lines left out', () => {
    const lines: string[] = [];
    const live = new LiveLines((line) => lines.push(line), { limit: 2 });
    const recorder = new Recorder(live.sink, 0);
    for (const time of [1, 2, 3, 4, 1_000_001]) recorder.datagram('in', 'a', 'b', udp(time), time);
    for (let i = 0; i < 3; i++) recorder.datagram('in', 'a', 'b', udp(1), 2_000_000);
    live.end();
    expect(lines).toEqual([
      '0.000001 a → b  UDP, length 1',
      '0.000002 a → b  UDP, length 2',
      '… and 2 more lines in that second',
      '1.000001 a → b  UDP, length 1000001',
      '2.000000 a → b  UDP, length 1',
      '2.000000 a → b  UDP, length 1',
      '… and 1 more line in that second',
    ]);
  });

  it('beyond the limit makes no events, and gets the numbers right after the gap', () => {
    const lines: string[] = [];
    let made = 0;
    const live = new LiveLines((line) => lines.push(line), { limit: 2, why: true });
    const counting = (event: TraceEvent): void => {
      made++;
      live.limitedSink(event);
    };
    const recorder = new Recorder(counting, START, { limit: live.limit, only: 'lines' });
    // The handshake fills the first second's lines, and its end is hidden; the retransmissions of
    // the lost data come later.
    converse({ link: 'drop out:data:4 delay 5ms', observer: recorder, linkListener: recorder });
    live.end();
    const text = lines.join('\n');
    expect(text).toMatch(/ \[S\] [^]* \[S\.\] [^]*… and \d+ more lines in that second/);
    const told = [...text.matchAll(/… and (\d+) more line/g)].reduce(
      (sum, m) => sum + Number(m[1]),
      0,
    );
    const shown = text.split('\n').filter((line) => /^\d/.test(line)).length;
    const all = seen({ link: 'drop out:data:4 delay 5ms' });
    expect(shown + told).toBe(all.lines.length);
    expect(made).toBeLessThan(all.events.length / 2);
    expect(text).toContain(
      '[P.] seq=1 ack=19 win=1048352 len=300  again\n    why: the retransmission timer expired',
    );
  });

  it('reports lines left out of a second even if no event follows', () => {
    const lines: string[] = [];
    const live = new LiveLines((line) => lines.push(line), { limit: 1 });
    const recorder = new Recorder(live.limitedSink, 0, { limit: live.limit, only: 'lines' });
    for (let i = 0; i < 3; i++) recorder.datagram('in', 'a', 'b', udp(1), 5);
    live.tick(900_000);
    expect(lines).toEqual([]);
    live.tick(1_100_000);
    expect(lines).toEqual(['0.000005 a → b  UDP, length 1', '… and 2 more lines in that second']);
    live.end();
    expect(lines).toHaveLength(2);
  });

  it('shows drops, datagrams and segments without a connection, with reasons on request', () => {
    const lines: string[] = [];
    const live = new LiveLines((line) => lines.push(line), {
      why: true,
      paint: (kind, text) => (kind === 'drop' ? `!${text}` : text),
    });
    const recorder = new Recorder(live.sink, 0);
    recorder.packetDropped(Drop.ipBadChecksum, '', 1);
    recorder.datagram(
      'in',
      '10.0.0.1',
      '10.0.0.2',
      { kind: 'echo-request', id: 7, seq: 1, length: 64 },
      2,
    );
    const seg = Object.assign(new Segment(), { seq: 5, ack: 9, flags: TcpFlag.ACK });
    recorder.strayArrived(flowOf('10.0.0.2:9', '10.0.0.1:8'), seg, 'closed-reset', 3);
    live.flush();
    expect(lines.join('\n').split('\n')).toEqual([
      '0.000001 !✗ ipBadChecksum: the IPv4 header checksum is wrong: silently discarded (RFC ' +
        '1122 3.2.1.2)',
      '    why: the IPv4 header checksum is wrong: silently discarded (RFC 1122 3.2.1.2)',
      '0.000002 10.0.0.1 → 10.0.0.2  ICMP echo request, id 7, seq 1, length 64',
      '0.000003 10.0.0.1:8 → 10.0.0.2:9  [.] seq=5 ack=9 win=0  CLOSED: RST',
      '    why: no connection for it: CLOSED: RST',
    ]);
  });
});

describe('Ladder', () => {
  const { ladder } = seen({ link: 'drop syn-ack:1 delay 5ms' });

  it('has relative and absolute numbers, and our states beside the arrows', () => {
    expect(ladder).toMatch(
      new RegExp(
        '│ \\[S\\.\\] {2}seq 0 \\(4294967280\\) {2}ack 1 \\(1001\\) {2}win 65535 {2}' +
          '<mss 1460,sackOK,TS,ws 5> +│\\n',
      ),
    );
    expect(ladder).toMatch(/│ ─+▶│ {2}LISTEN → SYN-RECEIVED\n/);
    expect(ladder).toMatch(/│◀─+ │ {2}CLOSE-WAIT → LAST-ACK\n/);
  });

  it('ends the arrow of a lost packet in the middle with a cross', () => {
    expect(ladder).toMatch(/│ {39}✗─{37} │\n/);
    const lostOnTheWayIn = seen({ link: 'drop in:data:1 delay 5ms' }).ladder;
    expect(lostOnTheWayIn).toMatch(/│ ─{37}✗ {39}│\n/);
  });

  it('has the same width in every line', () => {
    const rungs = ladder.split('\n').filter((line) => line.includes('│'));
    expect(new Set(rungs.map((line) => [...line].lastIndexOf('│')))).toEqual(new Set([90]));
  });

  it('wraps at spaces, and splits a word that is longer than a line', () => {
    expect(wrap('aa bb cc', 5, '  ')).toEqual(['aa bb', '  cc']);
    expect(wrap('aa bb cccccccc dd', 5, '  ')).toEqual(['aa bb', '  ccc', '  ccc', '  cc', '  dd']);
  });

  it.each([72, 80, 100, 120, 200])('fits into %i columns, in UTF-8 and in ASCII', (columns) => {
    for (const ascii of [false, true]) {
      const rungs: string[] = [];
      const narrow = new Ladder((line) => rungs.push(line), { columns, ascii });
      const recorder = new Recorder(narrow.sink, START);
      converse({
        link: 'drop syn-ack:1 drop out:data:2-3 delay 5ms',
        responseBytes: 20_000,
        observer: recorder,
        linkListener: recorder,
      });
      narrow.flush();
      expect(Math.max(...rungs.map((line) => [...line].length))).toBeLessThanOrEqual(columns);
      const line = ascii ? '|' : '│';
      const rows = rungs.filter((rung) => rung.includes(line));
      expect(new Set(rows.map((rung) => [...rung].lastIndexOf(line)))).toEqual(
        new Set([Math.min(columns - 1, 90)]),
      );
      const text = rungs.join('\n');
      expect(text).toContain(ascii ? 'SYN-RECEIVED -> ESTABLISHED' : 'SYN-RECEIVED → ESTABLISHED');
      expect(text).toMatch(ascii ? /\|<-+ \|/ : /│◀─+ │/);
      // eslint-disable-next-line no-control-regex -- all of ASCII
      if (ascii) expect(text).toMatch(/^[\x00-\x7f]*$/);
    }
  });
});

describe('Explainer', () => {
  const sentences = (options: ConversationOptions): string[] =>
    seen(options).why.map(({ flags, why }) => `${flags} ${why}`);
  const one = (all: string[], start: string): string =>
    all.find((text) => text.startsWith(start)) ?? '';

  it('explains a handshake, data and a close', () => {
    const all = sentences({ link: DELAYED });
    expect(one(all, 'S ')).toContain(
      'checksum verified: pseudo-header, header and data (RFC 9293 3.1)',
    );
    expect(one(all, 'S ')).toContain(
      'its initial sequence number is 1000; a SYN takes one number, so 1001 comes next',
    );
    expect(one(all, 'S ')).toContain(
      'options agreed: at most 1448 bytes a segment to the peer, window scale: theirs 5, ours 5',
    );
    expect(one(all, 'S. ')).toContain(
      'our initial sequence number is 4294967280: a 4 us clock plus a keyed hash',
    );
    expect(one(all, 'S. ')).toContain('SYN,ACK timer armed: 1 s (RFC 6298 5.1)');
    expect(one(all, 'P. ')).toContain('18 bytes in order: RCV.NXT moves on to 19');
    expect(one(all, 'P. ')).toContain('RTT sample: 10 ms; RTO is now 210 ms (RFC 6298 2)');
    expect(one(all, 'F. ')).toContain('FIN: the peer has sent all its data');
    expect(all[5]).toContain('FIN: we have sent all our data');
    expect(one(all, '. ')).toContain('LAST-ACK → CLOSED: receive ACK of our FIN');
  });

  it('explains a retransmission by the timer, and the backoff', () => {
    // The client's own SYN timer is as long as ours: its second SYN must be lost as well.
    const all = sentences({ link: 'drop syn-ack:1 drop in:syn:2-4 delay 5ms' }).filter((text) =>
      text.startsWith('S.'),
    );
    expect(all[0]).toContain('dropped on the link on purpose (drop rule): syn-ack:1');
    expect(all[1] + (all[2] ?? '')).toContain('sent again');
  });

  it('explains duplicate ACKs and fast retransmit', () => {
    const dropped = sentences({ link: 'drop out:data:2-2 delay 5ms', responseBytes: 20_000 });
    const text = dropped.join('\n');
    expect(text).toContain(
      'a segment that was sent later has arrived, so this one is lost (RFC 8985 6.2): it is ' +
        'sent again without waiting for the timer (fast retransmit)',
    );
    expect(text).toContain(
      'sent again: a segment that was sent later has arrived, so this one is lost (RFC 8985 6.2)',
    );
    expect(text).toContain('recovery ends');
  });

  it('explains a super-segment, and which part of it the link dropped', () => {
    const text = sentences({ link: 'drop out:data:2-2 delay 5ms', responseBytes: 20_000 }).join(
      '\n',
    );
    expect(text).toContain(
      'one super-segment: the device splits it into 10 segments of at most 1448 bytes',
    );
    expect(text).toContain(
      'dropped on the link on purpose (drop rule): out:data:2-2 (bytes 1449 to 2897 of it)',
    );
  });
});

describe('StepBuilder', () => {
  const event = (time: number, name: string, group_id: string, data: object): TraceEvent =>
    ({ time, name, group_id, data }) as unknown as TraceEvent;
  const run = (events: TraceEvent[]): Step[] => {
    const steps: Step[] = [];
    const builder = new StepBuilder((step) => steps.push(step));
    events.forEach(builder.add);
    builder.flush();
    return steps;
  };

  it('gives each of several connections its own events', () => {
    const steps = run([
      event(1, 'tcp:segment_received', 'a', { segment: {} }),
      event(1, 'tcp:segment_received', 'b', { segment: {} }),
      event(1, 'recovery:timer_set', 'a', { timer: 'delayed-ack' }),
      event(1, 'tcp:state_changed', 'b', { cause: 'fin' }),
    ]);
    expect(steps.map((s) => [s.group_id, s.effects.map((e) => e.name)])).toEqual([
      ['a', ['recovery:timer_set']],
      ['b', ['tcp:state_changed']],
    ]);
  });

  it('makes timers and calls of the user causes of the next segment', () => {
    const steps = run([
      event(1, 'tcp:segment_received', 'a', { segment: {} }),
      event(1, 'tcp:state_changed', 'a', { cause: 'close' }),
      event(1, 'tcp:segment_sent', 'a', { segment: { flags: 'F.' } }),
      event(9, 'recovery:timer_expired', 'a', { timer: 'rto' }),
      event(9, 'tcp:note', 'a', { note: 'rto-retransmit' }),
      event(9, 'tcp:segment_sent', 'a', { segment: { flags: 'F.' } }),
      event(9, 'recovery:timer_set', 'a', { timer: 'rto' }),
    ]);
    expect(steps.map((s) => [s.causes.length, s.effects.length])).toEqual([
      [0, 0],
      [1, 0],
      [2, 1],
    ]);
  });

  it('makes CLOSE a cause of the FIN, not of an earlier segment', () => {
    const steps = run([
      event(1, 'tcp:state_changed', 'a', { cause: 'close' }),
      event(1, 'tcp:segment_sent', 'a', { segment: { flags: '.' } }),
      event(1, 'tcp:segment_sent', 'a', { segment: { flags: 'F.' } }),
    ]);
    expect(steps.map((s) => s.causes.length)).toEqual([0, 1]);
  });

  it('makes a step of events without a segment', () => {
    const steps = run([
      event(1, 'recovery:timer_expired', 'a', { timer: 'rto' }),
      event(1, 'tcp:state_changed', 'a', { from: 'SYN-SENT', to: 'CLOSED', cause: 'syn-timeout' }),
    ]);
    expect(steps.map((s) => [s.main, s.causes.length])).toEqual([[null, 2]]);
  });
});

describe('fan-out', () => {
  it('gives all receivers the same events', () => {
    const events: [TraceEvent[], TraceEvent[]] = [[], []];
    const recorders = events.map((list) => new Recorder((e) => list.push(e), START));
    converse({
      link: 'drop out:data:1 duplicate 50% delay 5ms',
      observer: fanOut(...recorders),
      linkListener: new LinkListenerSet(...recorders),
    });
    const both = fanOut(...recorders);
    both.packetDropped(Drop.ipBadChecksum, 'x', 1);
    both.datagram('in', 'a', 'b', udp(1), 1);
    both.strayArrived(flowOf('10.0.0.2:9', '10.0.0.1:8'), new Segment(), 'closed-reset', 1);
    both.straySent(flowOf('10.0.0.2:9', '10.0.0.1:8'), new Segment(), 'reset', 1);
    expect(events[0].length).toBeGreaterThan(20);
    expect(events[1]).toEqual(events[0]);
    const names = new Set(events[0].map((e) => e.name));
    for (const name of [
      'link:altered',
      'link:dropped',
      'tcp:stray_sent',
      'tcp:segment_dropped',
      'recovery:timer_expired',
    ])
      expect(names).toContain(name);
  });
});
