/** Serves the files below one folder over HTTP: types, ranges, HEAD. Never leaves the folder. */
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';
import { pipeline } from 'node:stream';
import { parseRange } from './range.js';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.htm': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.pdf': 'application/pdf',
  '.wasm': 'application/wasm',
  '.pcapng': 'application/x-pcapng',
  '.gz': 'application/gzip',
};

/**
 * Answers with the file that `pathname` (still percent-encoded) names below `root`. Returns false
 * if there is no such file.
 */
export async function serveFile(
  root: string,
  pathname: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const path = await resolveBelow(root, pathname);
  if (path === null) return false;
  const file = await openOr503(path, response);
  if (file === null) return true;
  const { size, mtime } = await file.stat();
  const range = parseRange(request.headers.range, size);
  response.setHeader('Accept-Ranges', 'bytes');
  response.setHeader('Last-Modified', mtime.toUTCString());
  response.setHeader(
    'Content-Type',
    TYPES[extname(path).toLowerCase()] ?? 'application/octet-stream',
  );
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'Content-Range': `bytes */${size}` }).end();
    await file.close();
    return true;
  }
  const { start, end } = range ?? { start: 0, end: size };
  if (range !== null) response.setHeader('Content-Range', `bytes ${start}-${end - 1}/${size}`);
  response.setHeader('Content-Length', end - start);
  response.writeHead(range === null ? 200 : 206);
  if (request.method === 'HEAD' || end === start) {
    response.end();
    await file.close();
  } else pipeline(file.createReadStream({ start, end: end - 1 }), response, () => undefined);
  return true;
}

/**
 * Opens the file before the first byte of the response, because the status could not be changed
 * later. Returns null after it has answered 503.
 */
async function openOr503(path: string, response: ServerResponse): Promise<FileHandle | null> {
  try {
    return await open(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'EMFILE' || code === 'ENFILE'
        ? 'too many open files: raise the limit with `ulimit -n 65536` and start the server again'
        : code;
    response
      .writeHead(503, { 'Content-Type': 'text/plain; charset=utf-8', 'Retry-After': '1' })
      .end(`${why}\n`);
    return null;
  }
}

/**
 * The real path; null if it does not exist, is not a file, cannot be decoded, or leads out of
 * `root` through `..` or links.
 */
async function resolveBelow(root: string, pathname: string): Promise<string | null> {
  try {
    const decoded = decodeURIComponent(pathname);
    if (decoded.includes('\0')) return null;
    const base = await realpath(root);
    let path = await realpath(join(base, decoded));
    if ((await stat(path)).isDirectory()) path = await realpath(join(path, 'index.html'));
    if (!path.startsWith(base.endsWith(sep) ? base : base + sep)) return null;
    return (await stat(path)).isFile() ? path : null;
  } catch {
    return null;
  }
}
