import { describe, expect, it } from 'vitest';
import { SECOND } from '../../src/base/time.js';
import { LIMITS } from '../../src/analyse/conversation.js';
import { analyse, transcribe } from './analyse.js';
import {
  aborted,
  endings,
  keepAlives,
  reusedPorts,
  slowReader,
  transfer,
  written,
} from './corpus.js';

const first = (file: Uint8Array) => analyse(file).conversations[0]!;

describe('conversations', () => {
  it('a SYN between the same ports after the end begins another one', () => {
    const { conversations } = analyse(reusedPorts(5));
    expect(conversations).toHaveLength(5);
    expect(conversations.map((conv) => conv.countOf('reusedPorts'))).toEqual([0, 1, 1, 1, 1]);
    for (const conv of conversations)
      expect(conv.directions.map((d) => d.uniqueBytes)).toEqual([2000, 500]);
  });

  it('counts bytes once, however often they were sent', () => {
    const conv = first(transfer({ link: 'delay 20ms loss 5% seed 3', up: 100_000, down: 50_000 }));
    expect(conv.directions.map((d) => d.uniqueBytes)).toEqual([100_000, 50_000]);
    expect(conv.directions[0].payload).toBeGreaterThan(100_000);
  });

  it('knows the options of the handshake and its round trip', () => {
    const conv = first(transfer({ link: 'delay 20ms', up: 1000 }));
    const [a, b] = conv.directions;
    for (const d of [a, b])
      expect([d.mss, d.sackPermitted, d.timestamps, d.scale]).toEqual([1460, true, true, 7]);
    expect(conv.initialRtt).toBe(40e6);
  });

  it('ends with the states of both sides', () => {
    const closed = first(transfer({ link: 'delay 20ms', up: 1000 }));
    expect([closed.states.of(0), closed.states.of(1)].sort()).toEqual(['CLOSED', 'TIME-WAIT']);
    const reset = first(aborted('delay 20ms', false));
    expect([reset.states.of(0), reset.states.of(1)]).toEqual(['CLOSED', 'CLOSED']);
    const unanswered = analyse(endings()).conversations[1]!;
    expect([unanswered.states.of(0), unanswered.states.of(1)]).toEqual(['SYN-SENT', 'unknown']);
  });

  it('ties a retransmission to its original, which is marked as lost', () => {
    const [, rows] = transcribe(transfer({ link: 'delay 20ms drop data:12-12', up: 100_000 }));
    const again = rows.filter((row) => row.repeats > 0);
    expect(again).toHaveLength(1);
    const original = rows.find((row) => row.number === again[0]!.repeats)!;
    expect(original.isLost).toBe(true);
    expect(original.from).toBe(again[0]!.from);
    expect(rows.filter((row) => row.isLost)).toEqual([original]);
  });
});

describe('where the time goes', () => {
  const main = (file: Uint8Array): string => {
    const conv = first(file);
    const total = LIMITS.reduce((sum, limit) => sum + conv.seconds(limit), 0);
    expect(total).toBeCloseTo(conv.duration, 6);
    return LIMITS.reduce((a, b) => (conv.seconds(b) > conv.seconds(a) ? b : a));
  };

  it.each([
    ['a reader that sleeps', 'receiver', () => slowReader(30 * SECOND)],
    ['a reader that sleeps, at the receiver', 'receiver', () => slowReader(30 * SECOND, 4, true)],
    ['programs with nothing to say', 'application', () => keepAlives('delay 20ms')],
    [
      'a bottleneck',
      'network',
      () => transfer({ link: 'delay 20ms rate 5mbit limit 300', up: 500_000 }),
    ],
    [
      'a bottleneck, at the receiver',
      'network',
      () => transfer({ link: 'delay 20ms rate 5mbit limit 300', down: 500_000 }),
    ],
    [
      'a window smaller than the path',
      'receiver',
      () =>
        transfer({
          link: 'delay 40ms',
          up: 500_000,
          options: { config: { receiveBufferBytes: 20_000, sendBufferBytes: 1 << 20 } },
        }),
    ],
    ['heavy loss', 'loss', () => transfer({ link: 'delay 20ms loss 20% seed 2', up: 200_000 })],
    ['lost SYNs', 'handshake', () => transfer({ link: 'delay 20ms drop syn:3', up: 1000 })],
  ] as const)('%s: %s', (_name, limit, make) => {
    expect(main(make())).toBe(limit);
  });
});

describe('captures that are not whole', () => {
  it('one direction only: the other side is known by its ACKs', () => {
    const conv = first(
      transfer({ link: 'delay 20ms', up: 50_000, keeps: (direction) => direction === 'in' }),
    );
    expect(conv.directions.map((d) => d.packets > 0)).toEqual([true, false]);
    expect(conv.countOf('lostSegment')).toBe(0);
  });

  it('later fragments and cut headers are counted, not read', () => {
    const file = written([[0, 'A', 'S', 1, 0, 0, 1000]]);
    const bytes = new Uint8Array(file);
    bytes[24 + 16 + 32] = 0x10; // a data offset of 4 bytes
    const analyser = analyse(bytes);
    expect([analyser.segments, analyser.unreadable]).toEqual([0, 1]);
  });
});

it('keeps little for each conversation, and nothing for each packet', () => {
  const lines = [...Array(2000).keys()].flatMap((i) => [
    [1, 'A', 'P.', 1 + 100 * i, 1, 100, 60_000] as const,
    [1, 'B', '.', 1, 101 + 100 * i, 0, 60_000] as const,
  ]);
  const analyser = analyse(written(lines));
  const [conv] = analyser.conversations;
  expect(conv!.packets).toBe(4000);
  expect(conv!.directions[0].unacked.count).toBe(0);
});
