/**
 * A tiny MSS would make us send a header for each byte, so it is clamped to 48 (CVE-2019-11479,
 * tcp_min_snd_mss).
 */
import { expect, it } from 'vitest';
import type { Connection } from '../../src/tcp/connection.js';
import { ACK, SYN, Wire } from '../requirements/wire.js';

const TIMESTAMPS = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0];

it.each([
  ['ours is a SYN cookie or not: MSS 0', 0, [], 1, 48],
  ['MSS 1', 1, [], 1, 48],
  ['MSS 47', 47, [], 1, 48],
  ['MSS 49', 49, [], 1, 49],
  ['MSS 1, and timestamps take twelve of it', 1, TIMESTAMPS, 1, 36],
  ['MSS 1 in a cookie, whose smallest is 536', 1, [], 2, 536],
] as const)('ATK-20: %s', (_, mss, more, synCookies, expected) => {
  const w = new Wire({ config: { synCookies } });
  const accepted: Connection[] = w.listen();
  const options = [2, 4, mss >> 8, mss & 255, ...more];
  const [synAck] = w.tcp({ flags: SYN, seq: 100, options });
  w.tcp({ flags: ACK, seq: 101, ack: synAck!.seq + 1, options: [...more] });
  const conn = accepted[0]!;
  expect(conn.snd.mss).toBe(expected);
  conn.send(new Uint8Array(10_000));
  w.stack.wake(conn);
  const sent = w.take();
  expect(sent.length).toBeGreaterThan(5);
  for (const segment of sent) expect(segment.payload.length).toBe(expected);
});
