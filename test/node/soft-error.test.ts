/** The event `softError`: a problem of the path that does not end the connection. */
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { connected, twoHosts } from './two-hosts.js';

it('reports a temporary problem with its errno, and the socket stays open', async () => {
  const hosts = twoHosts();
  const { server, ours, theirs } = await connected(hosts);
  const told = once(ours, 'softError') as Promise<[NodeJS.ErrnoException]>;
  const conn = ours.conn!;
  conn.reportSoftError('EHOSTUNREACH');
  hosts.a.stack.wake(conn);
  const [error] = await told;
  expect(error).toMatchObject({
    code: 'EHOSTUNREACH',
    errno: -113,
    syscall: 'read',
    message: 'read EHOSTUNREACH',
  });
  ours.end('still here');
  const chunks: Buffer[] = [];
  for await (const chunk of theirs) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toBe('still here');
  server.close();
});
