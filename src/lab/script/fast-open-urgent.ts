/**
 * System calls for Fast Open (RFC 7413) and urgent data (RFC 6093), where they differ from others.
 */
import type { Micros } from '../../base/time.js';
import type { Address } from '../../ip/address.js';
import type { TcpConfig } from '../../tcp/config.js';
import { FastOpenMode } from '../../tcp/fast-open.js';
import { UrgentByte } from '../../tcp/receive/urgent-receiver.js';
import { CONSTANTS } from './constants.js';
import { fail, ok, type Result, type ScriptSocket } from './socket.js';

/**
 * The configuration with which `s` connects. TCP_FASTOPEN_NO_COOKIE sets a bit of
 * net.ipv4.tcp_fastopen for one socket.
 */
export function clientConfig(s: ScriptSocket): Partial<TcpConfig> {
  if (!s.fastOpenWithoutCookie) return s.config;
  const bits = s.stack.tcp.env.config.fastOpen;
  return { ...s.config, fastOpen: bits | FastOpenMode.clientWithoutCookie };
}

/** True if the SYN of `s` could carry data, so that connect() may wait for some. */
export const fastOpenIsReady = (s: ScriptSocket, remote: Address, now: Micros): boolean =>
  s.stack.tcp.fastOpenIsReady(remote, clientConfig(s), now);

/** recv() with MSG_OOB, which never waits. */
export function receiveOutOfLine(s: ScriptSocket, bytes: number, flags: number): Result {
  if (s.listener !== null) return fail('ENOTCONN');
  if (s.conn === null) return fail('EINVAL');
  const peek = (flags & CONSTANTS['MSG_PEEK']!) !== 0;
  const byte = s.conn.receiveUrgent(peek || bytes === 0);
  if (byte === UrgentByte.none) return fail('EINVAL');
  if (byte === UrgentByte.notYet) return s.atEnd ? ok(0) : fail('EAGAIN');
  return ok(Math.min(bytes, 1));
}
