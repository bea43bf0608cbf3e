/**
 * Where a view goes: standard error, or a file. Nothing that happens to it may hold the stack up or end it: a reader that stopped costs the lines
 * that it does not take, a full disk ends the file behind the last whole piece, and both are told in one line.
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { CommandError, Exit } from './errors.js';

export class Output {
  readonly name: string;
  private readonly fd: number;
  private readonly isOwn: boolean;
  /** Bytes of the pieces that were written whole. */
  private whole = 0;
  private skipped = 0;
  private over = false;

  private constructor(name: string, fd: number, isOwn: boolean) {
    this.name = name;
    this.fd = fd;
    this.isOwn = isOwn;
  }

  /** Throws CommandError when the file cannot be made. */
  static file(path: string): Output {
    try {
      return new Output(path, openSync(path, 'w'), true);
    } catch (error) {
      throw new CommandError(Exit.failed, `${path} cannot be written: ${reasonOf(error)}`, 'name another file');
    }
  }

  static standardOutput(): Output {
    return new Output('standard output', 1, false);
  }

  static standardError(): Output {
    const fd = withoutBlocking(2);
    return new Output('standard error', fd, fd !== 2);
  }

  /** One piece: a line, a block. It is written whole or not at all, as far as that can be had. */
  write(bytes: Uint8Array): void {
    if (this.over) return;
    if (this.skipped > 0) this.tellSkipped();
    let at = 0;
    try {
      while (at < bytes.length) at += writeSync(this.fd, bytes, at);
      this.whole += bytes.length;
    } catch (error) {
      this.failed(error as NodeJS.ErrnoException);
    }
  }

  close(): void {
    if (this.isOwn) closeSync(this.fd);
    this.over = true;
  }

  /** What the reader did not take is counted, and said once it reads again. */
  private tellSkipped(): void {
    const line = `… ${this.skipped} lines left out: ${this.name} was not read\n`;
    try {
      writeSync(this.fd, line);
      this.skipped = 0;
    } catch {
      // it still does not read
    }
  }

  private failed(error: NodeJS.ErrnoException): void {
    if (error.code === 'EAGAIN') {
      this.skipped++;
      return;
    }
    this.over = true;
    if (error.code === 'EPIPE') return; // its reader has seen enough
    if (this.isOwn) cut(this.fd, this.whole);
    process.stderr.write(`tcplab: ${this.name}: ${reasonOf(error)}; it ends here, the stack goes on\n`);
  }
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
 * A descriptor of the same pipe or terminal that says EAGAIN where `fd` would wait for a reader. Set on `fd` itself, the flag would hold for every process
 * that shares it.
 */
function withoutBlocking(fd: number): number {
  const kind = fstatSync(fd);
  if (kind.isSocket()) void process.stderr; // Node makes a socket non-blocking when it first uses it
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

const reasonOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  return REASONS[code ?? ''] ?? message;
};
