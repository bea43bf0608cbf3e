/**
 * Fast Open with Node's own calls: data written in the same turn as connect() is sent with the SYN.
 */
import { once } from 'node:events';
import { expect, it } from 'vitest';
import type { Socket } from '../../src/node/socket.js';
import { FastOpenMode } from '../../src/tcp/fast-open.js';
import { SERVER, twoHosts } from './two-hosts.js';

it('the second connection to a server is answered a round trip earlier', async () => {
  const h = twoHosts({ fastOpen: FastOpenMode.client | FastOpenMode.server });
  const server = h.server.createServer(
    (socket) => void socket.on('data', (d: Buffer) => socket.end(`heard ${d.toString()}`)),
  );
  server.listen({ port: 80, fastOpen: 5 });
  await once(server, 'listening');
  const ask = async (text: string): Promise<[string, Socket]> => {
    const socket = h.client.connect({ host: SERVER, port: 80, fastOpen: true });
    socket.write(text);
    let answer = '';
    for await (const chunk of socket) answer += (chunk as Buffer).toString();
    return [answer, socket];
  };
  const [first, asked] = await ask('one');
  expect([first, asked.conn!.fastOpen!.synData]).toEqual(['heard one', 0]);
  const [second, fast] = await ask('two');
  expect([second, fast.conn!.fastOpen!.synData, fast.conn!.fastOpen!.synDataAcked]).toEqual([
    'heard two',
    3,
    true,
  ]);
  expect(h.b.stack.counters.TcpExtTCPFastOpenPassive).toBe(1);
  expect([fast.bytesWritten, fast.bytesRead]).toEqual([3, 9]);
  server.close();
});

it('throws if Fast Open is switched off', async () => {
  const h = twoHosts({ fastOpen: 0 });
  const socket = h.client.connect({ host: SERVER, port: 80, fastOpen: true });
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('EOPNOTSUPP');
});
