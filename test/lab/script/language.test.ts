/**
 * The language of public packetdrill scripts: what runs, and what is skipped with which reason. No
 * script fails because of the runner.
 */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { RunOptions } from '../../../src/lab/script/options.js';
import { playScript } from '../../../src/lab/script/play.js';
import { after, fresh, OPEN, play, told } from './after-handshake.js';

const DEFAULTS = `#!/bin/bash
# What all scripts of a folder begin with.
ip tcp_metrics flush all > /dev/null 2>&1
sysctl -q net.ipv4.tcp_rmem="4096 540000 $((15*1024*1024))"
sysctl -q net.ipv4.tcp_wmem="4096 $((256*1024)) 4194304" > /dev/null 2>&1
sysctl -q net.ipv4.tcp_early_retrans=4 net.ipv4.tcp_recovery=1
sysctl -q net.ipv4.tcp_fastopen=0x70403
sysctl -q net.ipv4.tcp_sack=0
sysctl -q net.ipv4.tcp_unheard_of=2
tc qdisc add dev tun0 root pfifo
`;
const files = (more: Record<string, string> = {}): RunOptions => ({
  readBeside: (name) => ({ './defaults.sh': DEFAULTS, ...more })[name] ?? null,
});
const NO_SACK = OPEN.replace('<mss 1000>', '<mss 1000,sackOK>');

describe('commands', () => {
  it("the folder's defaults.sh applies, and an unknown line in it is reported", () => {
    const v = play(`\`./defaults.sh\`\n${NO_SACK}`, files());
    expect(told(v)).toBe('PASS');
    expect(v.warnings.map((w) => w.reason)).toEqual([
      'defaults.sh has a line that is not supported: net.ipv4.tcp_unheard_of=2',
    ]);
    expect(told(play(`\`./defaults.sh\`\n${NO_SACK}`))).toMatch(/options/);
  });

  it.each([
    'set_sysctls.py /proc/sys/net/ipv4/tcp_timestamps=0 \\\n   /proc/sys/net/ipv4/tcp_sack=0',
    '../../common/set_sysctls.py /proc/sys/net/ipv4/tcp_sack=0',
    'sysctl -q -w net.ipv4.tcp_sack=0 > /dev/null 2>&1; true',
    'sysctl -qw net.ipv4.tcp_sack = 0',
    'echo 0 > /proc/sys/net/ipv4/tcp_sack',
    'sysctl net/ipv4/tcp_sack=0 || echo failed',
    'tc qdisc del dev tun0 root 2>/dev/null ; tc qdisc add dev tun0 root pfifo limit 100 && ' +
      'sysctl -q net.ipv4.tcp_sack=0',
    './no-sack.sh',
  ])('%s', (command) => {
    const o = files({ './no-sack.sh': '#!/bin/sh\nset -e\nsudo sysctl -q net.ipv4.tcp_sack=0\n' });
    expect(told(play(`\`${command}\`\n${NO_SACK}`, o))).toBe('PASS');
  });

  it.each([
    'nstat -n',
    'ethtool -K tun0 tso off gso off gro off > /dev/null 2>&1 || true',
    'modprobe tcp_cubic',
    'echo 2 > /sys/module/tcp_bbr/parameters/anything',
    '../common/set_sysctls.py /sys/module/tcp_cubic/parameters/hystart_detect=3',
    'sysctl -q net.core.somaxconn=4096 net.ipv4.tcp_no_ssthresh_metrics_save=0',
    'ip -4 tcp_metrics flush all',
    '/tmp/sysctl_restore_${PPID}.sh',
  ])('%s has no effect here', (command) => {
    expect(told(play(`\`${command}\`\n${OPEN}`))).toBe('PASS');
  });

  it.each([
    ['sysctl -q net.ipv4.tcp_unheard_of=1', 'the sysctl net.ipv4.tcp_unheard_of is not supported'],
    [
      'sysctl -q net.ipv4.tcp_ecn=3',
      'net.ipv4.tcp_ecn=3 needs AccECN, which is not supported: use 0 to 2',
    ],
    [
      'echo 100 > /sys/module/tcp_cubic/parameters/initial_ssthresh',
      /initial_ssthresh=100: here it is always 0$/,
    ],
    [
      'echo 4 > /sys/module/tcp_cubic/parameters/hystart_detect',
      /^'4' is not a whole number from 0 to 3$/,
    ],
    ['sysctl -q net.ipv4.tcp_recovery=0', 'net.ipv4.tcp_recovery=0: here it is always 1'],
    ['tc qdisc add dev tun0 root netem delay 10ms', /this kind of queue is not supported$/],
    ['ip route change 192.0.2.0/24 dev tun0 hoplimit 3', /hoplimit is not supported$/],
    ['sysctl -q net.ipv4.tcp_sack=${X}', /^the command 'sysctl .* is not supported/],
    ['iptables -A INPUT -j DROP', /^the command 'iptables -A INPUT -j DROP' is not supported/],
  ])('%s is a SKIP', (command, reason) => {
    const v = play(`\`${command}\`\n${OPEN}`);
    expect([v.outcome, v.place]).toEqual(['SKIP', { line: 1, column: 1 }]);
    expect(v.reason).toMatch(reason);
  });

  it('ip_default_ttl sets the TTL of sent packets', () => {
    const ttl9 = OPEN.replace('> S.', '> [ttl 9] S.');
    expect(ttl9).not.toBe(OPEN);
    expect(told(play(`\`sysctl -q net.ipv4.ip_default_ttl=9\`\n${ttl9}`))).toBe('PASS');
    expect(told(play(ttl9))).toMatch(/TTL/);
  });

  it('a setting applies to existing sockets, except for options that they set themselves', () => {
    const later = (set: string, command: string): string =>
      OPEN.replace(/.*listen\(3, 1\) = 0/, (line) => `${line}\n${set}+0 \`${command}\``);
    const noSack = later('', 'sysctl -q net.ipv4.tcp_window_scaling=0').replace(
      '<mss 1000>',
      '<mss 1000,nop,wscale 7>',
    );
    expect(told(play(noSack))).toBe('PASS');
    expect(told(play(noSack.replace('scaling=0', 'scaling=1')))).toMatch(/options/);
    const own = '+0 setsockopt(3, SOL_TCP, TCP_KEEPIDLE, [50], 4) = 0\n';
    const idle = '+0 getsockopt(4, SOL_TCP, TCP_KEEPIDLE, ';
    expect(
      told(play(`${later(own, 'sysctl -q net.ipv4.tcp_keepalive_time=70')}${idle}[50], [4]) = 0`)),
    ).toBe('PASS');
    expect(
      told(play(`${later('', 'sysctl -q net.ipv4.tcp_keepalive_time=70')}${idle}[70], [4]) = 0`)),
    ).toBe('PASS');
  });

  it('a route has an MTU, an MSS to announce and an initial window', () => {
    const route =
      '0 `ip route change 192.0.2.0/24 via 192.168.0.2 dev tun0 mtu lock 1200 advmss 900 ' +
      'initcwnd 3`\n';
    const open = OPEN.replace('0 socket', '+0 socket')
      .replace('<mss 1460>', '<mss 900>')
      .replace('<mss 1000>', '<mss 1460>');
    expect(
      told(
        play(`${route}${open}+0 write(4, ..., 9000) = 9000\n+0 > . 1:3481(3480) ack 1
+0 %{ assert tcpi_snd_cwnd == 3 and tcpi_advmss == 900 }%`),
      ),
    ).toBe('PASS');
  });

  it('a queue with a limit of 0 sends no packet until it is replaced', () => {
    const text = `+0 \`tc qdisc replace dev tun0 root pfifo limit 0\`\n+0 write(4, ..., 10) = 10
+.1 \`tc qdisc replace dev tun0 root pfifo\`\n+.9~+1.5 > P. 1:11(10) ack 1`;
    expect(after(text).differences.map((d) => d.field)).not.toContain('payload length');
    expect(after(text.split('\n').slice(0, 2).join('\n'), { strict: true }).outcome).toBe('PASS');
  });

  it('nstat gives the counters since its last call', () => {
    const grep = (name: string, n: number): string =>
      `+0 \`nstat | grep ${name} | grep -q " ${n} "\`\n`;
    expect(told(after(grep('TcpPassiveOpens', 1)))).toBe('PASS');
    expect(after(grep('TcpPassiveOpens', 2)).outcome).toBe('FAIL');
    expect(after(`+0 \`nstat -n\`\n${grep('TcpPassiveOpens', 1)}`).outcome).toBe('FAIL');
    expect(after(grep('TcpExtUnheardOf', 1)).reason).toBe(
      'the counter TcpExtUnheardOf does not exist here',
    );
  });

  it('time passes during sleep', () => {
    expect(told(after('+0 `sleep 0.5`\n+0 %{ assert tcpi_last_ack_recv == 500 }%'))).toBe('PASS');
  });

  it('a flush of the TCP metrics deletes the Fast Open cookies', () => {
    const connect = (fd: number): string => `+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = ${fd}
+0 fcntl(${fd}, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 sendto(${fd}, ..., 10, MSG_FASTOPEN, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 8,FO,nop,nop>
+.01 < S. 123:123(0) ack 1 win 5840 <mss 1040,nop,nop,sackOK,nop,wscale 6,FO abcd1234,nop,nop>
+0 > . 1:1(0) ack 1\n+0 close(${fd}) = 0\n+0 > F. 1:1(0) ack 1\n`;
    expect(
      told(play(`0 %{ first = 1 }%\n${connect(3)}+0 \`ip tcp_metrics flush\`\n${connect(4)}`)),
    ).toBe('PASS');
    expect(play(`0 %{ first = 1 }%\n${connect(3)}${connect(4)}`).outcome).toBe('FAIL');
  });
});

describe('options', () => {
  it.each([
    '--send_omit_free',
    '--gateway_ip=192.168.0.2',
    '--netmask_ip=255.255.0.0',
    '--speed=0',
    '--code_sockopt=TCP_INFO',
  ])('%s is accepted', (line) => {
    expect(told(play(`${line}\n${OPEN}`))).toBe('PASS');
  });

  it.each([
    ['--wire_server', 'scripts are played in memory, not between two machines'],
    ['--so_filename=./lib.so', /system calls/],
    ['--local_ip=300.1.1.1', '--local_ip=300.1.1.1 must be an IP address'],
    ['--local_ip=fd00::1\n--ip_version=ipv4', 'fd00::1 is not an IPv4 address (--ip_version)'],
    ['--mss=0', /^--mss=0 must be 1 to/],
    ['--unheard_of', 'the option --unheard_of is not supported'],
  ])('%s is a SKIP', (line, reason) => {
    expect(play(`${line}\n${OPEN}`)).toMatchObject({ outcome: 'SKIP' });
    expect(play(`${line}\n${OPEN}`).reason).toMatch(reason);
  });

  it('they set addresses and ports', () => {
    const options = '--local_ip=10.1.0.1\n--remote_ip=10.2.0.1/24\n--bind_port=8000\n';
    const accept =
      'accept(3, {sa_family = AF_INET, sin_port = ..., sin_addr = inet_addr("10.2.0.1")}, ' +
      '[16]) = 4';
    const v = play(
      options +
        OPEN.replace('accept(3, ..., ...) = 4', accept).replace('> S.', '> 8000 > 45678 S.'),
    );
    expect(told(v)).toBe('PASS');
  });

  it('IPv6 sockets over IPv4', () => {
    const accept = 'accept(3, {sa_family = AF_INET6, sin6_port = ..., sin6_addr = ...}, [28]) = 4';
    const text = OPEN.replace('socket(...,', 'socket(AF_INET6,').replace(
      'accept(3, ..., ...) = 4',
      accept,
    );
    expect(
      told(
        play(
          `--ip_version=ipv4-mapped-ipv6\n${text}+0 getsockopt(4, SOL_IPV6, IPV6_V6ONLY, ` +
            '[0], [4]) = 0',
        ),
      ),
    ).toBe('PASS');
  });

  it('--mss: a large incoming segment is split', () => {
    const text =
      '+0 < P. 1:8001(8000) ack 1 win 65535\n+0 > . 1:1(0) ack 8001\n+0 %{ assert ' +
      'tcpi_rcv_mss == 1000, tcpi_rcv_mss; assert tcpi_segs_in == 10, tcpi_segs_in }%';
    expect(told(play(`--mss=1000\n${OPEN}${text}`))).toBe('PASS');
  });
});

describe('packets', () => {
  it('ACE as a digit is three flags', () => {
    const text = OPEN.replace('< S 0:0(0)', '< S7 0:0(0)').replace('< . 1:1(0)', '< 5. 1:1(0)');
    expect(told(play(text))).toBe('PASS');
    expect(told(play(text.replace('S7', 'SEWA')))).toBe('PASS');
  });

  it("an 'ack 0' without the ACK flag is sent as written, and compared", () => {
    expect(told(play(OPEN.replace('S 0:0(0) win', 'S 0:0(0) ack 0 win')))).toBe('PASS');
  });

  it('an expected AccECN or MD5 option is a SKIP', () => {
    expect(play(OPEN.replace('<mss 1460>', '<mss 1460,ECN e1b 1 ceb 0 e0b 1>'))).toMatchObject({
      outcome: 'SKIP',
      reason: 'AccECN is not supported',
    });
  });
});

describe('calls', () => {
  it('epoll: level and edge triggers, and the user data of an event', () => {
    const text = `+0 epoll_create(1) = 5
+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLOUT|EPOLLET, fd=4}) = 0
+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, fd=4}) = -1 EEXIST (File exists)
+0 epoll_wait(5, {events=EPOLLOUT, fd=4}, 1, 0) = 1
+0 epoll_wait(5, {events=EPOLLOUT, fd=4}, 1, 0) = 0
+0...0.5 epoll_wait(5, {events=EPOLLIN|EPOLLOUT, fd=4}, 1, 4000) = 1
+.5 < P. 1:11(10) ack 1 win 514\n+0 > . 1:1(0) ack 11
+0 epoll_wait(5, {events=EPOLLIN|EPOLLOUT, fd=4}, 1, 0) = 0
+0 epoll_ctl(5, EPOLL_CTL_MOD, 4, {events=EPOLLIN, u32=99}) = 0
+0 epoll_wait(5, {events=EPOLLIN, u32=99}, 1, 0) = 1
+0 epoll_wait(5, [{events=EPOLLIN, u32=99}], 1, 0) = 1
+0 read(4, ..., 100) = 10
+0...0.1 epoll_wait(5, {events=0, ptr=4}, 1, 100) = 0
+0 epoll_ctl(5, EPOLL_CTL_DEL, 4, NULL) = 0
+0 epoll_ctl(5, EPOLL_CTL_DEL, 4, NULL) = -1 ENOENT\n+0 close(5) = 0\n+0 close(5) = -1 EBADF`;
    expect(told(after(text, { strict: true }))).toBe('PASS');
    expect(
      after(text.replace('{events=EPOLLIN, u32=99}, 1', '{events=EPOLLIN, u32=98}, 1')).differences,
    ).toEqual([{ field: 'events', expected: 'as written', actual: 'data 99' }]);
    expect(
      after(text.replace('{events=EPOLLOUT, fd=4}, 1, 0) = 1', '{events=EPOLLIN, fd=4}, 1, 0) = 1'))
        .outcome,
    ).toBe('FAIL');
  });

  it('TCP_INQ: recvmsg returns the number of unread bytes, plus 1 for the FIN', () => {
    const receive = (bytes: number, left: number, got: number): string =>
      `+0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., ${bytes}}], msg_flags=0,
   msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=${left}}]}, 0) = ${got}\n`;
    const text = `+0 setsockopt(4, SOL_TCP, TCP_INQ, [1], 4) = 0\n+0 < P. 1:1001(1000) ack 1 win 514
+0 > . 1:1(0) ack 1001
${receive(400, 600, 400)}+0 < F. 1001:1001(0) ack 1 win 514\n+.04 > . 1:1(0) ack 1002
${receive(100, 501, 100)}${receive(1000, 1, 500)}${receive(1000, 1, 0)}`;
    expect(told(after(text))).toBe('PASS');
    expect(after(text.replace('cmsg_data=600', 'cmsg_data=601')).differences[0]?.field).toBe(
      'msg_control',
    );
    expect(after(text.replace('TCP_CM_INQ', 'IP_TOS')).outcome).toBe('SKIP');
  });

  it('a cookie without a value is a SKIP that says how to define it', () => {
    const text = '0 < S 0:10(10) win 1000 <mss 1460,FO TFO_COOKIE>';
    const v = playScript('t.pkt', text);
    expect([v.outcome, v.place]).toEqual(['SKIP', { line: 1, column: 38 }]);
    expect(v.reason).toBe('TFO_COOKIE has no value: define it with -D TFO_COOKIE=VALUE');
    const given = playScript('t.pkt', text, {}, new Map([['TFO_COOKIE', '3021b9d889017eeb']]));
    expect(given.reason).not.toContain('TFO_COOKIE');
  });

  it('an IPv6 address may be written as strace writes it', () => {
    const accept = (address: string): string =>
      OPEN.replace('socket(...,', 'socket(AF_INET6,').replace(
        'accept(3, ..., ...) = 4',
        `accept(3, {sa_family = AF_INET6, sin6_port = ..., inet_pton(AF_INET6, "${address}", ` +
          '&sin6_addr), sin6_flowinfo=0, sin6_scope_id=0}, [28]) = 4',
      );
    expect(told(play(accept('fd3d:fa7b:d17d::1'), { ipVersion: 6, mtu: 1520 }))).toBe('PASS');
    expect(
      play(accept('fd3d:fa7b:d17d::2'), { ipVersion: 6, mtu: 1520 }).differences.map(
        (d) => d.field,
      ),
    ).toEqual(['address']);
  });

  it('sendfile sends a file that a command created', () => {
    const make = '`rm -f /tmp/zeros\ndd bs=1k count=3 if=/dev/zero of=/tmp/zeros status=none`\n';
    const text = `+0 open("/tmp/zeros", O_RDONLY) = 5
+0 sendfile(4, 5, [0], 1000) = 1000\n+0 > P. 1:1001(1000) ack 1
+0 sendfile(4, 5, NULL, 9000) = 3072\n+0 > . 1001:4001(3000) ack 1\n+0 sendfile(4, 5, NULL, 1) = 0
+0 sendfile(4, 9, [0], 1) = -1 EBADF\n+0 open("/tmp/none", O_RDONLY) = -1 ENOENT`;
    expect(told(play(make + OPEN + text))).toBe('PASS');
    expect(after('+0 open("/etc/passwd", O_RDONLY) = 5').reason).toMatch(
      /a command of the script must create it/,
    );
  });

  it('MSG_EOR ends a segment', () => {
    const text = `+0 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0
+0 setsockopt(4, SOL_TCP, TCP_CORK, [1], 4) = 0
+0 send(4, ..., 300, MSG_EOR) = 300
+0 send(4, ..., 300, 0) = 300\n+0 setsockopt(4, SOL_TCP, TCP_CORK, [0], 4) = 0\n`;
    expect(
      told(
        after(`${text}+0 > P. 1:301(300) ack 1\n+0 > P. 301:601(300) ack 1`, {
          strictSegments: true,
        }),
      ),
    ).toBe('PASS');
  });

  it('SO_RCVTIMEO ends a blocked read()', () => {
    const text = `+0 setsockopt(4, SOL_SOCKET, SO_RCVTIMEO, {tv_sec=0, tv_usec=300000}, 16) = 0
+0...0.3 read(4, ..., 10) = -1 EAGAIN (Resource temporarily unavailable)
+.5 < P. 1:11(10) ack 1 win 99\n+0 > . 1:1(0) ack 11`;
    expect(told(after(text))).toBe('PASS');
  });

  it('a call starts after the blocked call before it has returned', () => {
    expect(
      told(
        after(
          '+0...0.2 poll([{fd=4, events=POLLIN, revents=0}], 1, 200) = 0\n+0 write(4, ..., ' +
            '10) = 10\n+.0 > P. 1:11(10) ack 1',
        ),
      ),
    ).toBe('PASS');
  });

  it('connect(AF_UNSPEC) resets the connection', () => {
    const text =
      '+0 connect(4, AF_UNSPEC, ...) = 0\n+0 > R. 1:1(0) ack 1\n+0 read(4, ..., 10) = -1 ' +
      'ECONNRESET';
    expect(told(after(text))).toBe('PASS');
  });

  it.each([
    ['+0 getsockopt(4, SOL_TCP, TCP_NOTSENT_LOWAT, [0], [4]) = 0'],
    [
      '+0 setsockopt(4, SOL_TCP, TCP_NOTSENT_LOWAT, [500], 4) = 0\n+0 getsockopt(4, SOL_TCP, ' +
        'TCP_NOTSENT_LOWAT, [500], [4]) = 0',
    ],
    [
      '+0 setsockopt(4, SOL_TCP, TCP_RTO_MAX_MS, [5000], 4) = 0\n+0 getsockopt(4, SOL_TCP, ' +
        'TCP_RTO_MAX_MS, [5000], [4]) = 0',
    ],
    ['+0 setsockopt(4, SOL_TCP, TCP_RTO_MAX_MS, [500], 4) = -1 EINVAL'],
    [
      '+0 setsockopt(3, SOL_TCP, TCP_DEFER_ACCEPT, [5], 4) = 0\n+0 getsockopt(3, SOL_TCP, ' +
        'TCP_DEFER_ACCEPT, [7], [4]) = 0',
    ],
    [
      '+0 getsockopt(4, SOL_SOCKET, SO_TYPE, [SOCK_STREAM], [4]) = 0\n+0 getsockopt(3, ' +
        'SOL_SOCKET, SO_ACCEPTCONN, [1], [4]) = 0',
    ],
  ])('%s', (text) => {
    expect(told(after(text))).toBe('PASS');
  });

  it.each([
    ['+0 setsockopt(3, SOL_SOCKET, SO_ZEROCOPY, [1], 4) = 0', /MSG_ZEROCOPY/],
    [
      '+0 setsockopt(3, SOL_SOCKET, SO_TIMESTAMPING, ' +
        '[SOF_TIMESTAMPING_TX_ACK|SOF_TIMESTAMPING_SOFTWARE], 4) = 0',
      /timestamps/,
    ],
    ['+0 setsockopt(3, SOL_TCP, TCP_MD5SIG, {...}, 216) = 0', /signed segments/],
    [
      '+0 splice(3, NULL, 4, NULL, 10, 0) = 10',
      /^the system call 'splice' is not supported: only sendfile/,
    ],
    ['+0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 4', /scripts have no UDP and raw sockets/],
  ])('%s is a SKIP with the reason', (text, reason) => {
    const v = fresh(text);
    expect([v.outcome, v.place?.line]).toEqual(['SKIP', 2]);
    expect(v.reason).toMatch(reason);
  });
});

it('code keeps its variables, and its output is in the verdict', () => {
  const v = after(
    '+0 %{\nbefore = tcpi_snd_cwnd\nprint("cwnd", before)\n}%\n+0 %{ assert before == ' +
      'tcpi_snd_cwnd }%',
  );
  expect([told(v), v.printed]).toEqual(['PASS', ['cwnd 10']]);
});

it('`tcplab script -` reads standard input', () => {
  const { stdout, status } = spawnSync(
    process.execPath,
    ['dist/lab/cli/main.js', 'script', '--mss', '1000', '-'],
    {
      input: OPEN,
      encoding: 'utf8',
    },
  );
  expect([stdout.split(' ').slice(0, 2), status]).toEqual([['PASS', '-'], 0]);
});
