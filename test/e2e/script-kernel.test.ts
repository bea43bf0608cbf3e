/**
 * `npm run script:kernel` itself: scripts that agree with the kernel are SAME, and one that does
 * not is DIFFERENT with details. All of test/scripts would take minutes.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cannotBeTested } from '../tools/needs.js';
import { describeWithTun } from './lab.js';

/** A large tolerance: this tests the comparison, and a busy machine delays packets and calls. */
const BUSY_MS = '1000';

function check(...args: readonly string[]): { status: number | null; out: string } {
  const done = spawnSync(
    process.execPath,
    ['test/script-kernel/run.mjs', '--tolerance', BUSY_MS, ...args],
    {
      encoding: 'utf8',
      timeout: 300_000,
    },
  );
  const [, reason] = /^SKIP (?!.*lacking\.pkt)\S+: (.*)$/m.exec(done.stdout) ?? [];
  if (reason !== undefined)
    cannotBeTested(`the scripts cannot be compared with this machine's kernel: ${reason}`);
  return { status: done.status, out: done.stdout + done.stderr };
}

describeWithTun('packet scripts against the kernel', () => {
  it('a handshake, data both ways, blocking calls, a close with options and errors: the same', () => {
    const names = [
      'handshake/active-open',
      'handshake/closed-port',
      'data/blocking-read',
      'data/send',
      'sack/with-timestamps',
      'close/passive',
      'calls/epoll',
      'calls/sendfile',
      'calls/queue-left',
      'calls/connect-to-none',
      'rack-tlp/probe-counted',
    ];
    const { status, out } = check(...names.map((name) => `test/scripts/${name}.pkt`));
    expect(out).toMatch(/^Linux \S+: 11 the same, 0 different, 0 different as meant, 0 skipped$/m);
    expect(status).toBe(0);
  });

  it('a difference is reported with the line, the field and the packets; a script that the kernel does not support is skipped', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tcplab-kernel-'));
    try {
      const script = readFileSync('test/scripts/handshake/closed-port.pkt', 'utf8');
      const wrong = join(folder, 'wrong.pkt');
      const lacking = join(folder, 'lacking.pkt');
      writeFileSync(wrong, script.replace('ack 1 ', 'ack 2 '));
      expect(readFileSync(wrong, 'utf8')).not.toBe(script);
      writeFileSync(lacking, `\`sysctl -q net.ipv4.tcp_magic=1\`\n${script}`);
      const { status, out } = check('--packets', wrong, lacking);
      expect(out).toMatch(/^DIFFERENT .*wrong\.pkt:\d+: .* is not the expected packet/m);
      expect(out).toMatch(/^ {4}ack: the script says 2, the kernel 1$/m);
      expect(out).toMatch(/IP 192\.168\.0\.1\.8080 > 192\.0\.2\.1\.\d+: Flags \[R\.\]/);
      expect(out).toMatch(/^SKIP .*lacking\.pkt.*has no net\.ipv4\.tcp_magic$/m);
      expect(status).toBe(1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('the results of calls are compared: events, control messages, addresses, counters', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tcplab-kernel-'));
    const changes: readonly (readonly [name: string, from: string, to: string, told: string])[] = [
      [
        'calls/epoll',
        'EPOLLIN|EPOLLRDHUP, ptr=4}, 1, 0) = 1',
        'EPOLLIN, ptr=4}, 1, 0) = 1',
        'the kernel events EPOLLIN|EPOLLRDHUP',
      ],
      [
        'calls/notsent-lowat-poll',
        'POLLOUT, revents=0',
        'POLLOUT, revents=POLLOUT',
        'the kernel revents of entry 0 is 0',
      ],
      ['calls/queue-left', 'cmsg_data=600', 'cmsg_data=601', 'the kernel TCP_CM_INQ 600'],
      ['calls/queue-left', 'msg_flags=MSG_CTRUNC', 'msg_flags=0', 'the kernel 8'],
      [
        'calls/accept-address',
        'sin_port = htons(5000)',
        'sin_port = htons(5001)',
        'the kernel 192.0.2.1 port 5000',
      ],
      [
        'rack-tlp/probe-counted',
        'TCPDSACKRecv | grep -q " 1 "',
        'TCPDSACKRecv | grep -q " 2 "',
        'the kernel 1',
      ],
    ];
    try {
      const files = changes.map(([name, from, to], i) => {
        const script = readFileSync(`test/scripts/${name}.pkt`, 'utf8');
        expect(script).toContain(from);
        const file = join(folder, `${i}.pkt`);
        writeFileSync(file, script.replace(from, to));
        return file;
      });
      const { out } = check(...files);
      expect(out.match(/^DIFFERENT /gm)).toHaveLength(changes.length);
      for (const [, , , told] of changes) expect(out).toContain(told);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
