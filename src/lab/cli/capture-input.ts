/** The capture that a command reads: a file, standard input (`-`), either of them with gzip. */
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { constants, createGunzip } from 'node:zlib';
import { CaptureError } from '../../capture/error.js';
import type { CaptureReader } from '../../capture/reader.js';
import { CommandError, Exit } from './errors.js';

/** Larger chunks no longer read faster, and each record that two chunks share is copied. */
const CHUNK_BYTES = 1 << 20;
const GZIP_MAGIC = [0x1f, 0x8b];

export interface CaptureInputOptions {
  /** Where `-` reads from; standard input by default. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Told after each chunk: bytes read of the file, and its size if it has one. */
  readonly onProgress?: (bytes: number, size: number | null) => void;
}

/**
 * Reads the capture at `path` to its end. Returns a sentence about what is missing at its end, or
 * null if it is whole: a capture that was cut is no error. Throws CommandError if there is no
 * capture, or if it is damaged.
 */
export async function readCapture(
  path: string,
  reader: CaptureReader,
  options: CaptureInputOptions = {},
): Promise<string | null> {
  const name = path === '-' ? 'standard input' : path;
  try {
    for await (const chunk of unpacked(await opened(path, options))) reader.push(chunk);
    reader.end();
  } catch (error) {
    throw explained(name, error as Error);
  }
  return reader.cutBytes === 0
    ? null
    : `${name} ends in the middle of a packet: ${reader.cutBytes} bytes are left over`;
}

async function opened(
  path: string,
  { stdin = process.stdin, onProgress }: CaptureInputOptions,
): Promise<AsyncGenerator<Uint8Array, void>> {
  if (path === '-') return counted(stdin, null, onProgress);
  const info = await stat(path);
  if (info.isDirectory()) throw new CommandError(Exit.failed, `${path} is a folder`, 'give a file');
  const size = info.isFile() ? info.size : null;
  const source = info.isFile()
    ? chunksOf(path)
    : createReadStream(path, { highWaterMark: CHUNK_BYTES });
  return counted(source, size, onProgress);
}

/**
 * The file in pieces, all in the same memory: each is valid until the next is asked for. A stream
 * with new memory for each piece takes more than twice the time.
 */
async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  const fd = openSync(path, 'r');
  try {
    const memory = new Uint8Array(CHUNK_BYTES);
    for (;;) {
      const bytes = readSync(fd, memory);
      if (bytes === 0) return;
      yield memory.subarray(0, bytes);
    }
  } finally {
    closeSync(fd);
  }
}

/** The same pieces in memory of their own, for a stream that keeps several. */
async function* copied(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) yield new Uint8Array(chunk);
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  size: number | null,
  onProgress: CaptureInputOptions['onProgress'],
): AsyncGenerator<Uint8Array, void> {
  let bytes = 0;
  for await (const chunk of source) {
    yield chunk;
    bytes += chunk.length;
    onProgress?.(bytes, size);
  }
}

/** The same bytes, or what they hold if they are compressed. The magic number decides, no name. */
async function* unpacked(chunks: AsyncGenerator<Uint8Array, void>): AsyncGenerator<Uint8Array> {
  const head: Uint8Array[] = [];
  let length = 0;
  while (length < GZIP_MAGIC.length) {
    const next = await chunks.next();
    if (next.done === true) break;
    head.push(next.value);
    length += next.value.length;
  }
  const all = joined(head, chunks);
  const first = Buffer.concat(head);
  if (!GZIP_MAGIC.every((byte, i) => first[i] === byte)) yield* all;
  else {
    // Z_SYNC_FLUSH: a file that was cut gives what it holds, instead of an error.
    const gunzip = createGunzip({
      chunkSize: CHUNK_BYTES,
      finishFlush: constants.Z_SYNC_FLUSH,
    });
    const packed = Readable.from(copied(all));
    packed.on('error', (error) => gunzip.destroy(error));
    packed.pipe(gunzip);
    yield* gunzip as AsyncIterable<Uint8Array>;
  }
}

async function* joined(
  head: readonly Uint8Array[],
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* head;
  yield* rest;
}

function explained(name: string, error: NodeJS.ErrnoException): Error {
  if (error instanceof CaptureError)
    return new CommandError(Exit.failed, `${name}, ${error.message}`, error.fix);
  switch (error.code) {
    case 'ENOENT':
      return new CommandError(Exit.failed, `there is no file ${name}`, 'check the path');
    case 'EACCES':
    case 'EPERM':
      return new CommandError(Exit.failed, `${name} may not be read`, 'ask its owner, or use sudo');
    case 'Z_DATA_ERROR':
      return new CommandError(
        Exit.failed,
        `${name} is compressed with gzip, and damaged: ${error.message}`,
        'make the file again',
      );
    default:
      return error;
  }
}
