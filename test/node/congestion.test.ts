/** Congestion control of a single connection, set by a Node program. */
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { connected, SERVER, twoHosts } from './two-hosts.js';

it('setCongestionControl changes it in the middle of a connection, and while the connection opens', async () => {
  const h = twoHosts();
  const { server, ours, theirs } = await connected(h);
  const { snd } = ours.conn!;
  expect(snd.congestion.name).toBe('cubic');
  const { cwnd } = snd.congestion;
  expect(ours.setCongestionControl('reno')).toBe(ours);
  expect([snd.congestion.name, snd.congestion.cwnd]).toEqual(['reno', cwnd]);
  const echoed = once(theirs, 'data');
  ours.write(Buffer.alloc(100_000));
  await echoed;

  const early = h.client.connect({ host: SERVER, port: server.address()!.port });
  early.setCongestionControl('bbr');
  await once(early, 'connect');
  expect(early.conn!.snd.congestion.name).toBe('bbr');
  for (const socket of [ours, theirs, early]) socket.destroy();
  server.close();
});

it('setCongestionControl rejects an unknown name, and the error lists the known ones', async () => {
  const { server, ours, theirs } = await connected(twoHosts());
  expect(() => ours.setCongestionControl('vegas' as 'reno')).toThrow(
    /there are cubic, reno, bbr, none.*'vegas'/,
  );
  ours.destroy();
  theirs.destroy();
  server.close();
});
