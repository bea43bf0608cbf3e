/**
 * The web service of a lab:
 *
 *     GET /            the client's own connection, as this stack sees it (text, page or JSON)
 *     GET /bytes/N     N bytes, byte i is i modulo 256; ranges
 *     PUT /upload      (POST too) reads a body and returns its length and SHA-256
 *     GET /slow        a line each 200 ms (?n= sets how many)
 *     GET /reset       RST instead of a response
 *     GET /...         files below the root, if there is one
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { bytesText } from '../../base/quantities.js';
import type { Host } from '../../node/host.js';
import type { Socket } from '../../node/socket.js';
import { asJson, asPage, asText, formOf, viewOf } from './connection-page.js';
import { serveFile } from './files.js';
import { watchClients, type Say } from './lost-clients.js';
import { parseRange } from './range.js';

export interface HttpServiceOptions {
  /** The folder whose files are served. */
  readonly root?: string;
  /** Gets a line about each client that leaves too early. */
  readonly say?: Say;
}

/** The length is a multiple of 256, so that the pattern repeats with the block. */
const PATTERN = Buffer.from(Uint8Array.from({ length: 1 << 18 }, (_, i) => i));
const CHUNK = 1 << 16;
/** Up to this size, numbers are exact. */
const MOST_BYTES = 2 ** 40;
const SLOW_MS = 200;
const MOST_SLOW_LINES = 10_000;

export function createHttpService(host: Host, options: HttpServiceOptions = {}): Server {
  const service = createServer((request, response) => {
    void answer(host, options, request, response).catch((error: unknown) => {
      if (!response.headersSent)
        sendText(response, 500, `${error instanceof Error ? error.message : String(error)}\n`);
      else response.destroy();
    });
  });
  if (options.say !== undefined) watchClients(service, options.say);
  // A client that ends its side after the request (nc -N) still waits for the response, which may
  // first be read from a disk. By default node:http would close the connection.
  return Object.assign(service, { httpAllowHalfOpen: true });
}

async function answer(
  host: Host,
  o: HttpServiceOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = parseTarget(request.url ?? '/');
  if (url === null) {
    sendText(response, 400, 'the path of this URL is invalid\n');
    return;
  }
  const { pathname } = url;
  const method = request.method ?? 'GET';
  if (pathname === '/upload') {
    if (method === 'PUT' || method === 'POST') takeUpload(request, response);
    else refuseMethod(response, 'PUT, POST');
    return;
  }
  if (method !== 'GET' && method !== 'HEAD') {
    // `curl -T file URL/` adds the file's name to the path, so any PUT is an upload.
    if (method === 'PUT') takeUpload(request, response);
    else refuseMethod(response, 'GET, HEAD');
    return;
  }
  if (pathname === '/' && o.root === undefined)
    showConnection(host, request, response, url.searchParams.get('format'));
  else if (pathname.startsWith('/bytes/'))
    sendBytes(pathname.slice('/bytes/'.length), request, response);
  else if (pathname === '/slow') drip(response, url.searchParams.get('n'));
  else if (pathname === '/reset') (request.socket as unknown as Socket).resetAndDestroy();
  else if (o.root === undefined || !(await serveFile(o.root, pathname, request, response))) {
    if (pathname === '/' || pathname === '/connection')
      showConnection(host, request, response, url.searchParams.get('format'));
    else sendText(response, 404, 'not found; try  /  /bytes/1000000  /slow  /reset  PUT /upload\n');
  }
}

function showConnection(
  host: Host,
  request: IncomingMessage,
  response: ServerResponse,
  format: string | null,
): void {
  const view = viewOf(request.socket as unknown as Socket, host.clock());
  const form = formOf(request, format);
  const [type, body] =
    form === 'json'
      ? (['application/json', asJson(view)] as const)
      : form === 'html'
        ? (['text/html; charset=utf-8', asPage(view)] as const)
        : (['text/plain; charset=utf-8', asText(view)] as const);
  const bytes = Buffer.from(body);
  response.writeHead(200, {
    'Content-Type': type,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
    Vary: 'Accept',
  });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

function sendBytes(text: string, request: IncomingMessage, response: ServerResponse): void {
  const size = Number(text);
  if (!/^\d+$/.test(text) || size > MOST_BYTES) {
    sendText(
      response,
      400,
      `/bytes/N: N must be a number of bytes from 0 to ${MOST_BYTES}, not '${text}'\n`,
    );
    return;
  }
  const range = parseRange(request.headers.range, size);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'Content-Range': `bytes */${size}` }).end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: size };
  response.setHeader('Content-Length', end - start);
  response.writeHead(range === null ? 200 : 206, {
    'Content-Type': 'application/octet-stream',
    'Accept-Ranges': 'bytes',
    ...(range === null ? {} : { 'Content-Range': `bytes ${start}-${end - 1}/${size}` }),
  });
  if (request.method === 'HEAD') response.end();
  else streamPattern(response, start, end);
}

/** Writes as fast as the peer reads: stops when write() returns false, continues at `drain`. */
function streamPattern(response: ServerResponse, start: number, end: number): void {
  let at = start;
  const more = (): void => {
    while (at < end) {
      const from = at % 256;
      const chunk = PATTERN.subarray(from, from + Math.min(CHUNK, end - at));
      at += chunk.length;
      if (!response.write(chunk)) return;
    }
    response.off('drain', more);
    response.end();
  };
  response.on('drain', more);
  more();
}

function takeUpload(request: IncomingMessage, response: ServerResponse): void {
  const hash = createHash('sha256');
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
    hash.update(chunk);
  });
  request.on('end', () => {
    sendText(response, 200, `${bytesText(length)}, sha256 ${hash.digest('hex')}\n`);
  });
}

function drip(response: ServerResponse, count: string | null): void {
  const n = Math.min(MOST_SLOW_LINES, Math.max(1, Number(count ?? 10) || 10));
  response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' });
  let line = 0;
  const timer = setInterval(() => {
    response.write(`line ${++line} of ${n}\n`);
    if (line < n) return;
    clearInterval(timer);
    response.end();
  }, SLOW_MS);
  response.on('close', () => {
    clearInterval(timer);
  });
}

function refuseMethod(response: ServerResponse, allowed: string): void {
  response.setHeader('Allow', allowed);
  sendText(response, 405, `use ${allowed} here\n`);
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(text);
}

function parseTarget(target: string): URL | null {
  try {
    return new URL(target, 'http://stack');
  } catch {
    return null;
  }
}
