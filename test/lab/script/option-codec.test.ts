import { expect, it } from 'vitest';
import type { TcpOptionSpec } from '../../../src/lab/script/ast.js';
import { decodeOptions, encodeOptions } from '../../../src/lab/script/option-codec.js';
import { optionsText } from '../../../src/lab/script/text.js';

it.each<[TcpOptionSpec[], string]>([
  [[{ kind: 'mss', value: 1460 }], '<mss 1460>'],
  [
    [{ kind: 'nop' }, { kind: 'nop' }, { kind: 'sack', blocks: [[1, 0xffffffff]] }],
    '<nop,nop,sack 1:4294967295>',
  ],
  [[{ kind: 'FOEXP', cookie: '' }], '<FOEXP>'],
  [[{ kind: 'FO', cookie: 'a1b2' }], '<FO a1b2>'],
  [
    [{ kind: 'nop' }, { kind: 'nop' }, { kind: 'md5', digest: '00112233445566778899aabbccddeeff' }],
    '<nop,nop,md5 00112233445566778899aabbccddeeff>',
  ],
  [
    [
      { kind: 'nop' },
      {
        kind: 'ECN',
        counts: [
          ['e1b', 1],
          ['ceb', 0x010203],
          ['e0b', 3],
        ],
      },
    ],
    '<nop,ECN e1b 1 ceb 66051 e0b 3>',
  ],
  [
    [
      {
        kind: 'ECN',
        counts: [
          ['e0b', 1],
          ['ceb', 2],
        ],
      },
    ],
    '<ECN e0b 1 ceb 2>',
  ],
  [[{ kind: 'other', number: 99, body: '0102' }], '<option 99 0102>'],
])('%j is written as %s, and parsed back', (options, text) => {
  const bytes = encodeOptions(options);
  expect([decodeOptions(bytes), optionsText(options), bytes.length % 4]).toEqual([
    options,
    text,
    0,
  ]);
});

it('AccECN: kind 172 when ECT(0) comes first, 174 when ECT(1) does', () => {
  const kinds = (['e0b', 'e1b'] as const).map(
    (field) => encodeOptions([{ kind: 'ECN', counts: [[field, 1]] }])[0],
  );
  expect(kinds).toEqual([172, 174]);
});
