/**
 * Large chunks are sent from the program's memory without a copy. Apart from speed, programs must
 * not notice.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import type { Socket } from '../../src/node/socket.js';
import { connected as connectedAtAll, eventsOf, twoHosts, type TwoHosts } from './two-hosts.js';

/**
 * Warms the process up, because its first packets may take longer than a millisecond, the limit for
 * a near peer.
 */
async function connected(h: TwoHosts): ReturnType<typeof connectedAtAll> {
  const both = await connectedAtAll(h);
  both.ours.conn!.snd.rtt.minRtt = 100;
  return both;
}

const CHUNK = 65_536;
const filled = (n: number): Buffer => Buffer.alloc(CHUNK, `${n} `);

/** All received data, until the end. */
async function received(socket: Socket): Promise<{ bytes: number; hash: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of socket as AsyncIterable<Buffer>) {
    bytes += piece.length;
    hash.update(piece);
  }
  return { bytes, hash: hash.digest('hex') };
}

function hashOf(...chunks: (Buffer | string)[]): string {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}

const wholeOf = (socket: Socket): number => socket.conn!.lentToSend;

describe('a large chunk', () => {
  it('is not copied, and can be reused once it is acknowledged', async () => {
    const { ours, theirs } = await connected(twoHosts());
    theirs.resume();
    expect(ours.write(filled(1))).toBe(true);
    expect([wholeOf(ours), ours.writableLength, ours.bytesWritten]).toEqual([CHUNK, 0, CHUNK]);
    while (wholeOf(ours) > 0) await new Promise((done) => setImmediate(done));
    expect(theirs.bytesRead).toBe(CHUNK);
  });

  it('is copied if it is small or has a callback, or if the peer is far away', async () => {
    const { ours, theirs } = await connected(twoHosts());
    theirs.resume();
    ours.write(filled(1).subarray(0, 32_767));
    ours.write(filled(2), () => undefined);
    ours.write(filled(2), 'utf8', () => undefined);
    ours.write(filled(3).toString('latin1'), 'latin1');
    expect(wholeOf(ours)).toBe(0);
    while (ours.writableLength > 0 || ours.conn!.snd.buffer.length > 0)
      await new Promise((done) => setImmediate(done));
    ours.conn!.snd.rtt.minRtt = 2000;
    ours.write(filled(4));
    expect(wholeOf(ours)).toBe(0);
  });

  it('may be changed after drain: one buffer, refilled each time, sends 40 MB', async () => {
    const { ours, theirs } = await connected(twoHosts());
    const arrived = received(theirs);
    const buffer = Buffer.alloc(4 * CHUNK);
    const hash = createHash('sha256');
    let lent = 0;
    let returned = 0;
    for (let n = 0; n < 160; n++) {
      buffer.fill(`${n}, `);
      hash.update(buffer);
      let more = true;
      for (let at = 0; at < buffer.length; at += CHUNK)
        more = ours.write(buffer.subarray(at, at + CHUNK));
      lent += wholeOf(ours);
      expect(ours.writableNeedDrain).toBe(!more);
      // While there is room, a program would continue with other memory; this one has only one
      // buffer.
      if (!more) await once(ours, 'drain');
      else while (wholeOf(ours) > 0) await new Promise((done) => setImmediate(done));
      returned += more ? 0 : 1;
      expect([wholeOf(ours), ours.writableNeedDrain]).toEqual([0, false]);
    }
    ours.end();
    expect(await arrived).toEqual({ bytes: 160 * buffer.length, hash: hash.digest('hex') });
    expect(lent).toBeGreaterThan(80 * buffer.length);
    expect(returned).toBeLessThan(160);
  });

  it('write() returns false when the buffer is full, and drain means that all earlier chunks may be changed', async () => {
    const { ours, theirs } = await connected(twoHosts());
    const arrived = received(theirs);
    const chunks: Buffer[] = [];
    do chunks.push(filled(chunks.length));
    while (ours.write(chunks.at(-1)!));
    expect(wholeOf(ours)).toBe(chunks.length * CHUNK);
    expect(ours.writableNeedDrain).toBe(true);
    const expected = hashOf(...chunks);
    await once(ours, 'drain');
    expect([wholeOf(ours), ours.writableNeedDrain]).toEqual([0, false]);
    for (const chunk of chunks) chunk.fill('changed');
    ours.end();
    expect(await arrived).toEqual({ bytes: chunks.length * CHUNK, hash: expected });
  });

  it('a reset while waiting for drain: the error is emitted at once, even with unread data, and all memory is released', async () => {
    const h = twoHosts();
    const { ours, theirs } = await connected(h);
    theirs.pause();
    ours.pause();
    const events = eventsOf(ours);
    // More than our socket reads ahead.
    theirs.write(Buffer.alloc(4 * CHUNK));
    while (ours.write(filled(1)));
    while (ours.conn!.receiveQueued === 0) await new Promise((done) => setImmediate(done));
    expect([ours.writableNeedDrain, ours.writableLength]).toEqual([true, 0]);
    theirs.resetAndDestroy();
    while (!events.includes('close')) await new Promise((done) => setImmediate(done));
    expect(events).toEqual(['error ECONNRESET', 'close']);
    expect(h.a.stack.tcp.env.memory.allocated).toBe(0);
  });

  it('stays in order among small chunks, and a callback covers all chunks before it', async () => {
    const { ours, theirs } = await connected(twoHosts());
    const arrived = received(theirs);
    const [a, b] = [filled(1), filled(2)];
    const expected = hashOf('head', a, 'between', b, 'tail');
    ours.write('head');
    ours.write(a);
    ours.cork();
    ours.write('between');
    ours.write(b);
    ours.uncork();
    await new Promise<void>((done) => ours.write('tail', () => done()));
    a.fill('changed');
    b.fill('changed');
    ours.end();
    expect((await arrived).hash).toBe(expected);
  });

  it('may be changed after finish, and after destroy', async () => {
    for (const way of ['end', 'destroy'] as const) {
      const { ours, theirs } = await connected(twoHosts());
      const arrived = received(theirs);
      const chunk = filled(7);
      const expected = hashOf(chunk);
      ours.write(chunk);
      if (way === 'end') {
        ours.end();
        await once(ours, 'finish');
      } else {
        ours.destroy();
      }
      chunk.fill('changed');
      expect(await arrived, way).toEqual({ bytes: CHUNK, hash: expected });
    }
  });

  it('works with pipelines', async () => {
    const { ours, theirs } = await connected(twoHosts());
    const arrived = received(theirs);
    const chunks = Array.from({ length: 200 }, (_, n) => filled(n));
    await pipeline(Readable.from(chunks), ours);
    expect(await arrived).toEqual({ bytes: chunks.length * CHUNK, hash: hashOf(...chunks) });
  });

  it('whose memory is transferred ends the connection with EFAULT, and with a RST for the peer', async () => {
    const { ours, theirs } = await connected(twoHosts());
    const events = eventsOf(theirs);
    theirs.on('error', () => undefined);
    const bytes = new Uint8Array(CHUNK);
    ours.write(bytes);
    structuredClone(bytes, { transfer: [bytes.buffer] });
    const [error] = (await once(ours, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('EFAULT');
    await once(theirs, 'close').catch(() => undefined);
    expect(events[0]).toBe('error ECONNRESET');
  });

  it('is released with an error after a reset, without drain', async () => {
    const { ours, theirs } = await connected(twoHosts());
    ours.on('drain', () => expect.unreachable());
    while (ours.write(filled(1)));
    theirs.resetAndDestroy();
    const [error] = (await once(ours, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toMatch(/ECONNRESET|EPIPE/);
    expect(ours.conn!.lentToSend).toBe(0);
  });
});
