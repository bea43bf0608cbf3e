import { expect, it } from 'vitest';
import { explain } from '../../src/analyse/explain/explanation.js';
import { explanationText } from '../../src/analyse/explain/render.js';
import { SeededRandom } from '../../src/base/random.js';
import { CaptureError } from '../../src/capture/error.js';
import { PCAP_HEADER_BYTES, PCAP_PACKET_HEADER_BYTES } from '../../src/capture/pcap-format.js';
import { drawGraph, GRAPH_KINDS } from '../../src/draw/graphs.js';
import { ladderSvg } from '../../src/draw/ladder-svg.js';
import { ladderText } from '../../src/draw/ladder-text.js';
import { transcribe } from './analyse.js';
import { aborted, keepAlives, transfer } from './corpus.js';

const FILES = 400;
const PACKETS = 60;

/** The places of the packets' records, at most the first 60. */
function recordsOf(file: Uint8Array): number[] {
  const view = new DataView(file.buffer, file.byteOffset);
  const starts: number[] = [];
  for (let at = PCAP_HEADER_BYTES; at < file.length && starts.length < PACKETS;) {
    starts.push(at);
    at += PCAP_PACKET_HEADER_BYTES + view.getUint32(at + 8, true);
  }
  return starts;
}

it('headers and times may say anything: no exception, no NaN', () => {
  const random = new SeededRandom(7);
  const pick = (n: number): number => random.below(n);
  const files = [
    transfer({ link: 'delay 20ms loss 5% seed 2', up: 40_000, down: 20_000 }),
    keepAlives('delay 20ms'),
    aborted('delay 20ms', true),
  ];
  for (let i = 0; i < FILES; i++) {
    const whole = files[pick(files.length)]!;
    const records = recordsOf(whole);
    const file = new Uint8Array(whole.subarray(0, records.at(-1)));
    for (let change = 1 + pick(30); change > 0; change--) {
      const start = records[pick(records.length - 1)]!;
      const at = pick(4) === 0 ? pick(8) : PCAP_PACKET_HEADER_BYTES + pick(60);
      file[start + at] = pick(256);
    }
    try {
      const [conversation, rows] = transcribe(file);
      const texts = [
        explanationText(explain(conversation)),
        ladderText(conversation, rows),
        ladderSvg(conversation, rows),
        ...GRAPH_KINDS.map((kind) => drawGraph(kind, { conversation, rows, direction: 0 })),
      ];
      for (const text of texts)
        expect(text, `file ${i}`).not.toMatch(/.{0,40}(NaN|undefined|Infinity).{0,40}/);
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
    }
  }
});
