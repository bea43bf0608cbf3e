/** Analyses a capture in memory. */
import { Analyser } from '../../src/analyse/analyser.js';
import type { Conversation } from '../../src/analyse/conversation.js';
import { type Row, Transcript } from '../../src/analyse/transcript.js';
import { CaptureReader } from '../../src/capture/reader.js';

export function analyse(file: Uint8Array): Analyser {
  const analyser = new Analyser();
  const reader = new CaptureReader((packet) => analyser.packet(packet));
  reader.push(file);
  reader.end();
  return analyser;
}

/** The first conversation and its rows. */
export function transcribe(file: Uint8Array, stream = 0): [Conversation, readonly Row[]] {
  const transcript = new Transcript();
  const analyser = new Analyser({
    onSegment: (segment, headers) => {
      if (segment.conversation!.index === stream) transcript.add(segment, headers);
    },
  });
  const reader = new CaptureReader((packet) => analyser.packet(packet));
  reader.push(file);
  reader.end();
  return [analyser.conversations[stream]!, transcript.rows];
}
