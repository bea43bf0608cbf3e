/**
 * The output of a view: standard error, standard output, or a file. A failure of the output must
 * neither delay the stack nor end it. A reader that has stopped loses the lines or packets that it
 * does not read. A full disk ends the file after the last complete piece. One line reports either.
 *
 *     write() ─▶ the pipe ─▶ full: pieces wait while there is room (a partly written one always)
 *                        ─▶ the others are left out and counted
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { CommandError, Exit } from './errors.js';

interface Place {
  readonly name: string;
  readonly fd: number;
  readonly isOwn: boolean;
  /** What the pieces are called: `lines` or `packets`. */
  readonly pieces: string;
  /** Bytes that can wait for a slow reader. */
  readonly room: number;
}

/** Bytes. A pipe holds 64 KB, one large packet, so more must wait until the reader runs. */
const CAPTURE_ROOM = 1 << 24;
/** How often a full pipe is tried again, and for how long at the end. */
const LOOK_MS = 5;
const GRACE_MS = 500;
const NOTHING = new Uint8Array(0);

export class Output implements Place {
  readonly name: string;
  readonly fd: number;
  readonly isOwn: boolean;
  readonly pieces: string;
  readonly room: number;
  /** Bytes of the pieces that were written completely. */
  private whole = 0;
  private skipped = 0;
  private readonly waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private timer: NodeJS.Timeout | null = null;
  private over = false;

  private constructor({ name, fd, isOwn, pieces, room }: Place) {
    this.name = name;
    this.fd = fd;
    this.isOwn = isOwn;
    this.pieces = pieces;
    this.room = room;
  }

  /** Throws CommandError (1) if the file cannot be created. */
  static file(path: string, mode = 0o666): Output {
    try {
      return new Output({
        name: path,
        fd: openSync(path, 'w', mode),
        isOwn: true,
        pieces: 'lines',
        room: 0,
      });
    } catch (error) {
      throw new CommandError(
        Exit.failed,
        `${path} cannot be written: ${reasonOf(error)}`,
        fixOf(error, path),
      );
    }
  }

  static standardOutput(): Output {
    const fd = withoutBlocking(1);
    return new Output({
      name: 'standard output',
      fd,
      isOwn: fd !== 1,
      pieces: 'packets',
      room: CAPTURE_ROOM,
    });
  }

  static standardError(): Output {
    const fd = withoutBlocking(2);
    return new Output({ name: 'standard error', fd, isOwn: fd !== 2, pieces: 'lines', room: 0 });
  }

  /** Writes one piece, a line or a block: if possible, completely or not at all. */
  write(bytes: Uint8Array): void {
    if (this.over) return;
    this.drain();
    if (this.waiting.length > 0) {
      if (this.waitingBytes + bytes.length > this.room) this.skipped++;
      else this.keep(bytes);
      return;
    }
    if (this.skipped > 0) this.tellSkipped();
    const rest = this.put(bytes);
    if (rest.length === 0) return;
    if (rest.length === bytes.length && rest.length > this.room) this.skipped++;
    else this.keep(rest);
  }

  close(): void {
    this.drain();
    for (
      let waited = 0;
      this.waiting.length > 0 && this.room > 0 && waited < GRACE_MS;
      waited += LOOK_MS
    ) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
      this.drain();
    }
    this.skipped += this.waiting.length;
    this.forgetWaiting();
    if (!this.over && this.skipped > 0) this.tellSkipped();
    if (this.isOwn) closeSync(this.fd);
    this.over = true;
  }

  /** Writes and returns the bytes that the pipe does not take now. */
  private put(bytes: Uint8Array): Uint8Array {
    let at = 0;
    try {
      while (at < bytes.length) at += writeSync(this.fd, bytes, at);
      this.whole += bytes.length;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return bytes.subarray(at);
      this.failed(error as NodeJS.ErrnoException);
    }
    return NOTHING;
  }

  private keep(bytes: Uint8Array): void {
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    this.timer ??= setInterval(this.drain, LOOK_MS).unref();
  }

  private readonly drain = (): void => {
    while (this.waiting.length > 0) {
      const next = this.waiting[0]!;
      const rest = this.put(next);
      this.waitingBytes -= next.length - rest.length;
      if (rest.length > 0) {
        this.waiting[0] = rest;
        return;
      }
      this.waiting.shift(); // after a failure nothing is left of it either
    }
    this.forgetWaiting();
  };

  private forgetWaiting(): void {
    this.waiting.length = 0;
    this.waitingBytes = 0;
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  /**
   * Reports how many pieces were left out: to the reader of lines once it reads again, or, for a
   * capture, on standard error.
   */
  private tellSkipped(): void {
    const line = `… ${this.skipped} ${this.pieces} left out: ${this.name} was not read\n`;
    if (this.room > 0) {
      this.skipped = 0;
      sayOnStandardError(line);
      return;
    }
    try {
      writeSync(this.fd, line);
      this.skipped = 0;
    } catch {
      // it still does not read
    }
  }

  private failed(error: NodeJS.ErrnoException): void {
    this.over = true;
    this.forgetWaiting();
    if (error.code === 'EPIPE') {
      if (this.room > 0) setImmediate(endStandardOutput, error);
      return; // the reader has ended, which is not an error
    }
    if (this.isOwn) cut(this.fd, this.whole);
    sayOnStandardError(
      `tcplab: ${this.name}: ${reasonOf(error)}; the output ends here, the stack continues\n`,
    );
  }
}

/** A command that writes its capture to a pipe ends with the pipe's reader (lifetime.ts). */
function endStandardOutput(error: Error): void {
  if (process.stdout.listenerCount('error') > 0) process.stdout.destroy(error);
}

/** Writes a line without waiting for the reader of standard error. */
export function sayOnStandardError(line: string): void {
  const output = Output.standardError();
  output.write(Buffer.from(line));
  output.close();
}

/** Cuts a partly written piece off the end, which would make a capture unreadable. */
function cut(fd: number, bytes: number): void {
  try {
    if (fstatSync(fd).isFile()) ftruncateSync(fd, bytes);
  } catch {
    // then the last piece stays incomplete
  }
}

/**
 * A descriptor of the same pipe or terminal that returns EAGAIN where `fd` would wait for a reader.
 * It is opened again because O_NONBLOCK on `fd` itself would affect every process that shares it.
 */
function withoutBlocking(fd: number): number {
  const kind = fstatSync(fd);
  // Node makes a socket non-blocking when it first uses it
  if (kind.isSocket()) void process.stderr;
  if (!kind.isFIFO() && !kind.isCharacterDevice()) return fd;
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return fd;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full (ENOSPC)',
  EDQUOT: 'your disk quota is used up (EDQUOT)',
  EMFILE: 'too many open files (EMFILE)',
  ENOENT: 'its folder does not exist (ENOENT)',
  EISDIR: 'it is a folder (EISDIR)',
  EACCES: 'this user has no write permission (EACCES)',
};

const FIXES: Readonly<Record<string, (path: string) => string>> = {
  ENOSPC: () => 'free some space, or choose a file on another disk',
  EDQUOT: () => 'free some space, or choose a file on another disk',
  EMFILE: () => 'ulimit -n 65536   and run the command again',
  ENOENT: (path) => `mkdir -p ${dirname(path)}`,
};

const fixOf = (error: unknown, path: string): string =>
  FIXES[(error as NodeJS.ErrnoException).code ?? '']?.(path) ?? 'choose another file';

const reasonOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  return REASONS[code ?? ''] ?? message;
};
