/** Which conversations of a capture a command is about: `--stream N`, or a capture filter. */
import { Analyser } from '../../analyse/analyser.js';
import type { Conversation } from '../../analyse/conversation.js';
import { Transcript } from '../../analyse/transcript.js';
import { type CaptureFilter, compileFilter } from '../../capture/filter/compile.js';
import { FilterError } from '../../capture/filter/error.js';
import { Headers } from '../../capture/headers.js';
import type { CapturedPacket } from '../../capture/packet.js';
import { CaptureReader } from '../../capture/reader.js';
import { readCapture } from './capture-input.js';
import { Progress } from './progress.js';
import { CommandError, Exit } from './errors.js';

export interface ChoiceOptions {
  /** Wireshark's `tcp.stream`. */
  stream?: number;
  /** In the language of tcpdump: `host 10.0.0.1 and port 80`. */
  filter?: readonly string[];
}

/**
 * Reads the file and passes on what the filter lets through. On a terminal a line of standard error
 * shows how far a large file is read.
 */
export async function analyseCapture(
  file: string,
  { filter = [] }: ChoiceOptions,
  onPacket: (packet: CapturedPacket, headers: Headers, reader: CaptureReader) => void,
): Promise<void> {
  const accepts = filterOf(filter.join(' '));
  const headers = new Headers();
  const reader: CaptureReader = new CaptureReader((packet) => {
    if (accepts !== null && !accepts(packet)) return;
    headers.read(packet);
    onPacket(packet, headers, reader);
  });
  const progress = process.stderr.isTTY ? new Progress() : null;
  const options = progress === null ? {} : { onProgress: progress.show };
  const missing = await readCapture(file, reader, options).finally(() => progress?.clear());
  if (missing !== null) process.stderr.write(`tcplab: ${missing}\n`);
}

function filterOf(text: string): CaptureFilter | null {
  if (text.trim() === '') return null;
  try {
    return compileFilter(text);
  } catch (error) {
    if (error instanceof FilterError)
      throw new CommandError(Exit.usage, error.message, 'for example host 10.0.0.1 and port 80');
    throw error;
  }
}

/** The chosen conversations. Throws CommandError if there is none. */
export function chosenOf(
  analyser: Analyser,
  file: string,
  o: ChoiceOptions,
): readonly Conversation[] {
  const all = analyser.conversations;
  if (all.length === 0)
    throw new CommandError(
      Exit.failed,
      `there is no TCP conversation in ${file}: ${analyser.packets} packets, none of them a TCP ` +
        'segment that can be read',
      analyser.unreadable > 0
        ? 'capture again with a larger snap length: tcpdump -s 128'
        : 'capture on the interface of the connection: tcpdump -i any -w FILE tcp',
    );
  if (o.stream === undefined) return all;
  const one = all[o.stream];
  if (one === undefined)
    throw new CommandError(
      Exit.usage,
      `there is no stream ${o.stream}: ${file} has streams 0 to ${all.length - 1}`,
      `tcplab flow --list ${file}`,
    );
  return [one];
}

/** Rows that are kept of one conversation. */
const MOST_ROWS = 2_000_000;

/**
 * The segments of one conversation: that of `--stream`, else the one with the most packets. The
 * file is read twice without `--stream`, because only its end tells which one that is.
 */
export async function transcribe(
  file: string,
  o: ChoiceOptions,
): Promise<[Conversation, Transcript]> {
  let stream = o.stream;
  if (stream === undefined) {
    const first = new Analyser();
    if (file === '-')
      throw new CommandError(
        Exit.usage,
        'standard input can be read only once, so the conversation must be named',
        'tcplab flow --stream 0 -',
      );
    await analyseCapture(file, o, (packet, headers) => first.read(packet, headers));
    const all = chosenOf(first, file, o);
    stream = all.reduce((best, conv) => (conv.packets > best.packets ? conv : best)).index;
    if (all.length > 1)
      process.stderr.write(
        `tcplab: ${file} has ${all.length} conversations; this is stream ${stream}, the longest. ` +
          `tcplab flow --list ${file} lists all\n`,
      );
  }
  const transcript = new Transcript(MOST_ROWS);
  let isDropped = false;
  const analyser = new Analyser({
    onSegment: (segment, headers) => {
      if (segment.conversation!.index === stream) transcript.add(segment, headers, isDropped);
    },
  });
  await analyseCapture(file, o, (packet, headers, reader) => {
    isDropped = reader.interfaces[packet.interfaceId]?.name.endsWith(DROPPED) ?? false;
    analyser.read(packet, headers);
  });
  const [conversation] = chosenOf(analyser, file, { ...o, stream });
  return [conversation!, transcript];
}

/** The interface on which our own captures show what the link dropped on purpose. */
const DROPPED = '-dropped-by-faults';
