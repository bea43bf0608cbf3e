/** Urgent data between sockets: `writeUrgent` and the event `urgent`. */
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { receiveUrgent, setUrgentInline } from '../../src/tcp/urgent.js';
import { connected, twoHosts } from './two-hosts.js';

it('the other side gets the event and the distance, and the data in its place in the stream', async () => {
  const { server, ours, theirs } = await connected(twoHosts());
  theirs.pause();
  const urgent = once(theirs, 'urgent') as Promise<[number]>;
  ours.write('before ');
  ours.writeUrgent(Buffer.from('now!'));
  ours.end(' after');
  const [left] = await urgent;
  expect(left).toBe('before now!'.length);
  const chunks: Buffer[] = [];
  for await (const chunk of theirs) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toBe('before now! after');
  server.close();
});

it('stays in order after writes that wait for buffer space, whatever its length', async () => {
  const { server, ours, theirs } = await connected(twoHosts({ sendBufferBytes: 10_000 }));
  theirs.pause();
  const first = Buffer.alloc(50_000, 'a');
  const second = Buffer.alloc(50_000, 'b');
  ours.write(first);
  ours.writeUrgent(second);
  ours.end('c');
  const marks: number[] = [];
  theirs.on('urgent', (left: number) => marks.push(theirs.bytesRead + left));
  const chunks: Buffer[] = [];
  for await (const chunk of theirs) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).equals(Buffer.concat([first, second, Buffer.from('c')]))).toBe(true);
  expect(marks.at(-1)).toBe(100_000);
  server.close();
});

it('can be read out of line', async () => {
  const { server, ours, theirs } = await connected(twoHosts());
  setUrgentInline(theirs.conn!, false);
  // In the handler, because the data after the mark is read next, and then it is too late.
  let byte = 0;
  theirs.once('urgent', () => (byte = receiveUrgent(theirs.conn!)));
  ours.writeUrgent(Buffer.from('ab!'));
  ours.end('cd');
  const chunks: Buffer[] = [];
  for await (const chunk of theirs) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toBe('abcd');
  expect(byte).toBe('!'.charCodeAt(0));
  server.close();
});
