/**
 * Where a view goes: standard error, standard output, or a file. Nothing that happens to it may
 * hold the stack up or end it: a reader that stopped costs the lines or packets that it does not
 * take, a full disk ends the file behind the last whole piece, and both are told in one line.
 *
 *     write() ─▶ the pipe ─▶ full: what has room waits (a torn piece always)
 *                        ─▶ the others are left out and counted
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { CommandError, Exit } from './errors.js';

interface Place {
  readonly name: string;
  readonly fd: number;
  readonly isOwn: boolean;
  /** What a piece is. */
  readonly pieces: string;
  /** Bytes that may wait for a slow reader. */
  readonly room: number;
}

/** A pipe holds 64 KB, which is one large packet: the reader of a capture gets time to run. */
const CAPTURE_ROOM = 1 << 24;
/** How often it is asked whether it reads again, and how long at the end. */
const LOOK_MS = 5;
const GRACE_MS = 500;
const NOTHING = new Uint8Array(0);

export class Output implements Place {
  readonly name: string;
  readonly fd: number;
  readonly isOwn: boolean;
  readonly pieces: string;
  readonly room: number;
  /** Bytes of the pieces that were written whole. */
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

  /** Throws CommandError when the file cannot be made. */
  static file(path: string): Output {
    try {
      return new Output({
        name: path,
        fd: openSync(path, 'w'),
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

  /** One piece: a line, a block. It is written whole or not at all, as far as that can be had. */
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

  /** What the reader does not take for now is returned. */
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
      this.waiting.shift(); // of what failed nothing is left
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
   * What the reader did not take is counted, and said once it reads again; what a capture lacks, on
   * standard error.
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
      return; // its reader has seen enough
    }
    if (this.isOwn) cut(this.fd, this.whole);
    sayOnStandardError(
      `tcplab: ${this.name}: ${reasonOf(error)}; it ends here, the stack goes on\n`,
    );
  }
}

/** A command that writes its capture to a pipe ends with the pipe's reader (lifetime.ts). */
function endStandardOutput(error: Error): void {
  if (process.stdout.listenerCount('error') > 0) process.stdout.destroy(error);
}

/** Without waiting for its reader. */
export function sayOnStandardError(line: string): void {
  const output = Output.standardError();
  output.write(Buffer.from(line));
  output.close();
}

/** A torn piece at the end would make a capture unreadable. */
function cut(fd: number, bytes: number): void {
  try {
    if (fstatSync(fd).isFile()) ftruncateSync(fd, bytes);
  } catch {
    // then it stays torn
  }
}

/**
 * A descriptor of the same pipe or terminal that says EAGAIN where `fd` would wait for a reader.
 * Set on `fd` itself, the flag would hold for every process that shares it.
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
  ENOENT: 'its folder is not there (ENOENT)',
  EISDIR: 'it is a folder (EISDIR)',
  EACCES: 'this user may not write there (EACCES)',
};

const FIXES: Readonly<Record<string, (path: string) => string>> = {
  ENOSPC: () => 'make room, or name a file on another disk',
  EDQUOT: () => 'make room, or name a file on another disk',
  EMFILE: () => 'ulimit -n 65536   and the command again',
  ENOENT: (path) => `mkdir -p ${dirname(path)}`,
};

const fixOf = (error: unknown, path: string): string =>
  FIXES[(error as NodeJS.ErrnoException).code ?? '']?.(path) ?? 'name another file';

const reasonOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  return REASONS[code ?? ''] ?? message;
};
