/**
 * `tcplab dump`: the packets of a running stack, or of a capture file, as tcpdump prints them; or
 * written to a file.
 */
import { CaptureError } from '../../capture/error.js';
import { compileFilter } from '../../capture/filter/compile.js';
import { FilterError } from '../../capture/filter/error.js';
import type { CapturedPacket } from '../../capture/packet.js';
import { CaptureReader } from '../../capture/reader.js';
import { TcpdumpPrinter, type TimeStyle } from '../../observe/tcpdump.js';
import { openCapture } from '../control/client.js';
import { askingErrors } from './asking.js';
import { readCapture } from './capture-input.js';
import { CaptureCopy } from './capture-copy.js';
import { CommandError, Exit } from './errors.js';
import { sayOnStandardError } from './output.js';

export interface DumpOptions {
  stack?: string;
  read?: string;
  write?: string;
  count?: number;
  /** -S */
  absolute?: boolean;
  verbose?: boolean;
  hex?: boolean;
  hexAscii?: boolean;
  time: TimeStyle;
  why?: boolean;
}

/** Ends the reading of packets: --count is reached. */
class Enough extends Error {}

export async function dump(words: readonly string[], o: DumpOptions): Promise<number> {
  const accepts = filterOf(words.join(' '));
  const copy = o.write === undefined ? null : new CaptureCopy(o.write);
  const show = copy === null ? printerOf(o) : null;
  let shown = 0;
  const reader: CaptureReader = new CaptureReader((packet) => {
    if (!accepts(packet)) return;
    show?.(packet);
    copy?.add(packet, reader.interfaces);
    if (++shown === o.count) throw new Enough();
  });
  try {
    const missing = await (o.read === undefined ? live(o, reader) : readCapture(o.read, reader));
    if (missing !== null) sayOnStandardError(`tcplab: ${missing}\n`);
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  } finally {
    copy?.close();
  }
  if (copy !== null) sayOnStandardError(`${shown} packets written to ${o.write!}\n`);
  return Exit.ok;
}

/** Throws CommandError for what is not in the filter's language. */
function filterOf(text: string): (packet: CapturedPacket) => boolean {
  if (text.trim() === '') return () => true;
  try {
    return compileFilter(text);
  } catch (error) {
    if (error instanceof FilterError)
      throw new CommandError(Exit.usage, error.message, "for example 'tcp port 80 and host ...'");
    throw error;
  }
}

function printerOf(o: DumpOptions): (packet: CapturedPacket) => void {
  const printer = new TcpdumpPrinter({
    time: o.time,
    absolute: o.absolute === true,
    verbose: o.verbose === true,
    comments: o.why === true,
    utcOffset: -new Date().getTimezoneOffset(),
    ...(o.hexAscii === true ? { hex: 'ascii' } : o.hex === true ? { hex: 'hex' } : {}),
  });
  return (packet) => {
    process.stdout.write(`${printer.lines(packet)}\n`);
  };
}

/** Reads until the stack ends. Throws CommandError. */
async function live(o: DumpOptions, reader: CaptureReader): Promise<null> {
  const capture = await askingErrors(() => openCapture(o.stack));
  process.once('SIGINT', () => capture.close());
  sayOnStandardError(`listening on ${capture.name}, Ctrl-C ends\n`);
  try {
    await askingErrors(async () => {
      for await (const chunk of capture.chunks) reader.push(chunk);
    });
  } catch (error) {
    if (error instanceof CaptureError)
      throw new CommandError(
        Exit.failed,
        `the stack's capture is damaged: ${error.message}`,
        'use the same version of tcplab for the command and for the stack',
      );
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  } finally {
    capture.close();
  }
  return null;
}
