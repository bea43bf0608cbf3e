import { describe, expect, it } from 'vitest';
import { explain } from '../../src/analyse/explain/explanation.js';
import {
  explanationMarkdown,
  explanationText,
  wrapText,
} from '../../src/analyse/explain/render.js';
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import { analyse } from './analyse.js';
import { aborted, endings, keepAlives, slowReader, transfer, written } from './corpus.js';

const explained = (file: Uint8Array, stream = 0) => explain(analyse(file).conversations[stream]!);

function answer(file: Uint8Array, question: RegExp, stream = 0): string {
  const { answers } = explained(file, stream);
  return answers.find((one) => question.test(one.question))!.answer;
}

const names = (file: Uint8Array): string[] => explained(file).suspicions.map(({ name }) => name);

describe('the first lines answer what is asked first', () => {
  it('did the SYN get an answer', () => {
    expect(answer(transfer({ link: 'delay 20ms', up: 9 }), /SYN/)).toBe('Yes, in 40 ms.');
    expect(answer(transfer({ link: 'delay 20ms drop syn:2', up: 9 }), /SYN/)).toMatch(
      /after 3 tries/,
    );
    expect(answer(endings(), /SYN/)).toMatch(/refused with a RST \(frame 2\)/);
    expect(answer(endings(), /SYN/, 1)).toMatch(/^No: 11 SYNs in 67 s and no reply/);
  });

  it('who closed, and who reset and why', () => {
    const closed = transfer({ link: 'delay 20ms', up: 50_000 });
    expect(answer(closed, /closed/)).toMatch(/^The server, frame \d+; the client followed/);
    expect(answer(closed, /reset/)).toBe('Nobody.');
    expect(answer(aborted('delay 20ms', true), /reset/)).toMatch(/^The server, frame \d+: /);
    expect(answer(aborted('delay 20ms', false), /reset/)).toMatch(/^The client, frame \d+: /);
  });

  it('network, receiver or program', () => {
    expect(answer(slowReader(30 * SECOND), /program/)).toMatch(
      /^Receiver \(window of the server\)/,
    );
    expect(answer(keepAlives('delay 20ms'), /program/)).toMatch(/^Program of the (client|server)/);
    const bottleneck = transfer({ link: 'delay 20ms rate 5mbit limit 300', up: 300_000 });
    expect(answer(bottleneck, /program/)).toMatch(/^Network \(round trip/);
  });

  it('keep-alives', () => {
    expect(answer(keepAlives('delay 20ms'), /Keep-alives/)).toMatch(
      /The client sent \d+ keep-alives, and \d+ were answered/,
    );
  });

  it('an MTU black hole, and path MTU discovery that works', () => {
    const hole = transfer({ link: 'delay 10ms mtu 1280 blackhole', up: 60_000 });
    expect(answer(hole, /MTU/)).toMatch(/^MTU black hole: the client sent the same 1448 bytes/);
    expect(explained(hole).next.join()).toMatch(/tcp_mtu_probing/);
    const works = transfer({ link: 'delay 10ms mtu 1280', down: 60_000 });
    expect(answer(works, /MTU/)).not.toMatch(/black hole:/);
  });

  it("whether one side's capture is missing", () => {
    const half = transfer({ link: 'delay 20ms', down: 50_000, keeps: (d) => d === 'out' });
    expect(answer(half, /missing/)).toMatch(/Only packets of the client are in the capture/);
    const whole = transfer({ link: 'delay 20ms', up: 50_000 });
    expect(answer(whole, /missing/)).toBe('No: both directions are here.');
  });
});

describe('what stands out', () => {
  it('a window that closed', () => {
    expect(names(slowReader(30 * SECOND))).toContain('zeroWindow');
  });

  it("Nagle's algorithm and delayed ACKs", () => {
    const lines: Parameters<typeof written>[0][number][] = [
      [0, 'A', 'S', 1000, 0, 0, 60_000],
      [1, 'B', 'S.', 5000, 1001, 0, 60_000],
      [1, 'A', '.', 1001, 5001, 0, 60_000],
    ];
    for (let i = 0; i < 5; i++)
      lines.push(
        [0, 'A', 'P.', 1001 + 100 * i, 5001, 100, 60_000],
        [40, 'B', '.', 5001, 1101 + 100 * i, 0, 60_000],
      );
    expect(names(written(lines))).toContain('nagleAndDelayedAck');
  });

  it('a RST whose TTL is that of another device', () => {
    const file = new Uint8Array(
      written([
        [0, 'A', 'S', 1000, 0, 0, 60_000],
        [10, 'B', 'S.', 5000, 1001, 0, 60_000],
        [1, 'A', '.', 1001, 5001, 0, 60_000],
        [1, 'A', 'P.', 1001, 5001, 100, 60_000],
        [10, 'B', 'R.', 5001, 1101, 0, 0],
      ]),
    );
    file[file.length - 40 + 8] = 200;
    expect(names(file)).toContain('forgedReset');
    expect(answer(file, /reset/)).toMatch(/TTL is 200 and that of its other packets 64/);
  });

  it('a loss at the tail', () => {
    expect(names(transfer({ link: 'delay 20ms drop in:data:68-72', up: 100_000 }))).toContain(
      'lossAtTheTail',
    );
  });
});

describe('as text', () => {
  const e = explained(transfer({ link: 'delay 20ms loss 3% seed 5', up: 200_000 }));

  it('fits the columns', () => {
    for (const columns of [72, 100])
      for (const line of explanationText(e, columns).split('\n'))
        expect(line.length, line).toBeLessThanOrEqual(columns);
  });

  it('has every section', () => {
    for (const title of ['Handshake', 'Where the time went', 'The end', 'What to try next']) {
      expect(explanationText(e)).toContain(`\n${title}\n`);
      expect(explanationMarkdown(e)).toContain(`\n### ${title}\n`);
    }
    expect(explanationText(e)).toContain('tcp.analysis.fast_retransmission');
  });

  it('is plain data: JSON keeps it as it is', () => {
    expect(JSON.parse(JSON.stringify(e))).toEqual(e);
  });

  it('wraps at spaces, and hangs', () => {
    expect(wrapText('aa bb cc dd', 6, 0, 2)).toEqual(['aa bb', '  cc', '  dd']);
    expect(wrapText('', 10)).toEqual([]);
  });
});

it('a closed window is not a keep-alive', () => {
  expect(answer(slowReader(60 * SECOND + MILLISECOND), /Keep-alives/)).toMatch(/^No keep-alive/);
});
