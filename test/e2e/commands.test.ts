/**
 * The commands in normal use: the demo, serve, the doctor, and all of them as a user without any
 * capability.
 */
import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWithTun, inNamespace, isRoot, lab, MAIN, ROOT, run, STACK } from './lab.js';
import { needs } from '../tools/needs.js';

const tcplab = (...args: string[]): ReturnType<typeof run> =>
  run(process.execPath, [MAIN, ...args]);

describeWithTun('tcplab demo', () => {
  it('shows handshake, retransmission and teardown, and ends with 0', async () => {
    const { code, stdout } = await tcplab('demo');
    expect(code).toBe(0);
    const order = [
      /\[S\] {2}seq 0 \(\d+\)/,
      /LISTEN → SYN-RECEIVED/,
      /\[S\.\] {2}seq 0 \(\d+\) {2}ack 1 \(\d+\)/,
      /RFC 6528/,
      /SYN-RECEIVED → ESTABLISHED/,
      /HTTP\/1\.1 200 OK/,
      /fetches http:\/\/\[fd74/,
      /drops our first SYN,ACK/,
      /✗/,
      /1\.0\d+ +│ \[S\.\]/,
      /retransmission timer expired/,
      /teardown, step by step/,
      /ESTABLISHED → CLOSE-WAIT/,
      /CLOSE-WAIT → LAST-ACK/,
      /LAST-ACK → CLOSED/,
    ];
    let at = 0;
    for (const pattern of order) {
      const found = stdout.slice(at).search(pattern);
      expect(found, `${String(pattern)} in\n${stdout.slice(at)}`).toBeGreaterThanOrEqual(0);
      at += found;
    }
  });

  it('names the missing tool if there is no curl', async () => {
    const { code, stderr } = await run(process.execPath, [MAIN, 'demo'], 60, {
      env: { ...process.env, PATH: '/usr/sbin:/sbin' },
    });
    expect([code === 77 || code === 1, stderr]).toEqual([
      true,
      expect.stringMatching(/curl|unshare/),
    ]);
  });
});

/** Starts `serve`, waits for the output that `until` looks for, and calls the test. */
async function serving(
  args: string[],
  until: (stdout: string, stderr: string) => boolean,
): Promise<{
  signal: (name: NodeJS.Signals) => void;
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}> {
  const child = spawn(process.execPath, [MAIN, 'serve', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`serve did not get that far:\n${stdout}\n${stderr}`));
    }, 60_000);
    const look = (): void => {
      if (!until(stdout, stderr)) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout.on('data', (d: Buffer) => {
      stdout += d.toString();
      look();
    });
    child.stderr.on('data', (d: Buffer) => {
      stderr += d.toString();
      look();
    });
    child.on('close', look);
  });
  return { signal: (name) => child.kill(name), ended };
}

describeWithTun('tcplab serve', () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    it(`prints one line when it is ready, and ends with 0 on ${signal}`, async () => {
      const server = await serving(['http', 'echo'], (out) => out.includes('\n'));
      server.signal(signal);
      const { code, stdout } = await server.ended;
      expect(stdout).toMatch(
        /^ready 198\.18\.0\.2 fd74:6370:6c61:62::2 on tcplab0: http 80\/tcp, echo 7\/tcp,udp\n$/,
      );
      expect(code).toBe(0);
    });
  }

  it('hints at the route when no packet comes for three seconds', async () => {
    const server = await serving(['echo', '--address', '192.0.2.5/24'], (_out, err) =>
      err.includes('no packet in 3 s, perhaps because the route is missing'),
    );
    server.signal('SIGTERM');
    expect((await server.ended).code).toBe(0);
  });

  it('lists the services, and explains an invalid option', async () => {
    for (const [args, words] of [
      [['serve', 'gopher'], /no service 'gopher'[^]*fix: use one of: http, echo/],
      [['serve', '--mtu', '20'], /--mtu must be a whole number from 68/],
      [['serve', '--address', '300.1.1.1'], /300[^]*fix: for example --address/],
      [['serve', '--mtu', '1000', '--address', 'fd00::2/64'], /IPv6 needs an MTU of at least 1280/],
      [['serve', '--loss', 'much'], /much/],
      [['connect', '198.18.0.1', '0'], /PORT must be a whole number from 1/],
      [['nonsense'], /tcplab: unknown command 'nonsense'\n {2}fix: tcplab --help/],
      [
        ['serve', '--nonsense'],
        /^tcplab: unknown option '--nonsense'\n {2}fix: tcplab serve --help[^\n]*\n$/,
      ],
      [
        ['serve', '--address', '0.0.0.0'],
        /0\.0\.0\.0 cannot be the stack's address: it stands for "this host"[^]*fix: /,
      ],
      [['serve', '--address', '224.0.0.1/24'], /224\.0\.0\.1 cannot be[^\n]*multicast[^]*fix: /],
      [['lab', '--tun', 'a/b'], /'a\/b' is not a valid device name/],
      [
        ['serve', '--http-root', '/nonexistent'],
        /--http-root \/nonexistent: the folder does not exist\n {2}fix: mkdir/,
      ],
      [['lab', '--http-root', '/etc/passwd'], /--http-root \/etc\/passwd: this is not a folder/],
    ] as const) {
      const { code, stderr } = await tcplab(...args);
      expect(stderr).toMatch(words);
      expect(code, args.join(' ')).toBe(2);
    }
  });

  it("rejects the kernel's own address, and leaves no device", async () => {
    const { stderr, stdout } = await inNamespace(
      '$TCPLAB serve --tun t0 --address 198.18.0.1/24; echo "code $?"; ip link show t0',
    );
    expect(stderr).toMatch(
      /198\.18\.0\.1 is the kernel's own address on t0[^]*fix: [^]*does not exist/,
    );
    expect(stdout).toBe('code 2\n');
  });

  it("hints at the route although the kernel's IPv6 sends packets on the new device", async () => {
    const server = await serving(['echo'], (_out, err) =>
      err.includes('no packet in 3 s, perhaps because the route is missing'),
    );
    server.signal('SIGTERM');
    expect((await server.ended).code).toBe(0);
  });

  it('prints the dropped packets by reason', async () => {
    const { stderr } = await lab(
      `curl -s http://${STACK[4]}:81/; curl -s -o /dev/null http://${STACK[4]}/bytes/10`,
      ['--drop', 'out:syn-ack:1'],
    );
    expect(stderr).toMatch(/1 {2}linkRule/);
    expect(stderr).toMatch(/1 {2}tcpNoSuchPort/);
  });

  it('gives a lab the exit code of its command', async () => {
    expect((await lab('exit 7')).code).toBe(7);
    const code = async (...command: string[]): Promise<number> =>
      (await tcplab('lab', '-q', '--', ...command)).code;
    expect(await code('sh', '-c', 'kill -SEGV $$')).toBe(139);
    expect(await code('sh', '-c', 'kill -USR1 $$')).toBe(138);
    expect(await code('/etc/passwd')).toBe(126);
    expect(await code('no-such-program')).toBe(127);
  });
});

describe('tcplab doctor', () => {
  it('prints each check in one line', async () => {
    const { stdout } = await tcplab('doctor');
    expect(stdout).toMatch(/\/dev\/net\/tun/);
    expect(stdout).toMatch(/way to a TUN device/);
    expect(
      stdout
        .split('\n')
        .filter((line) => line !== '')
        .every((line) => /^(ok {2}|note|FAIL| {6}fix:|way|no way)/.test(line)),
    ).toBe(true);
  });

  it('checks the address of the stack', async () => {
    const bad = await tcplab('doctor', '--address', '224.0.0.1');
    expect(bad.stdout).toMatch(/FAIL {2}224\.0\.0\.1 cannot be the stack's address: [^]*fix: /);
    expect(bad.code).toBe(1);
    const owned = await inNamespace(
      'ip address add 192.0.2.7/24 dev lo && ip link set lo up && $TCPLAB doctor --address ' +
        '192.0.2.7/24',
    );
    expect(owned.stdout).toMatch(
      new RegExp(
        "FAIL {2}the stack's address 192\\.0\\.2\\.7 is the kernel's own on lo[^]*" +
          'fix: sudo ip address delete 192\\.0\\.2\\.7 dev lo',
      ),
    );
  });
});

// Only root can become an ordinary user; an ordinary user runs all the other tests anyway.
const asAnother: typeof describeWithTun = isRoot ? describeWithTun : () => undefined;
asAnother('as an ordinary user, with a device node that all may open', () => {
  const USER = 'tcplab-test';
  let copy = '';
  beforeAll(async () => {
    await run('useradd', ['--no-create-home', '--shell', '/bin/bash', USER]);
    copy = mkdtempSync(join(tmpdir(), 'tcplab-user-'));
    chmodSync(copy, 0o755);
    for (const name of [
      'dist',
      'build/Release',
      'package.json',
      'node_modules/commander',
      'node_modules/picocolors',
    ]) {
      cpSync(join(ROOT, name), join(copy, name), { recursive: true });
    }
  });
  afterAll(async () => {
    rmSync(copy, { recursive: true, force: true });
    await run('userdel', [USER]);
  });

  /** In a private mount namespace with a device node of its own mode; HOME is empty. */
  const asUser = (mode: string, script: string): ReturnType<typeof run> =>
    run('unshare', [
      '--mount',
      'bash',
      '-c',
      `mount -t tmpfs none /dev/net && mknod -m ${mode} /dev/net/tun c 10 200 && exec ` +
        `setpriv --reuid ${USER} --regid ${USER} --clear-groups env -i PATH="$PATH" ` +
        `HOME=/nonexistent bash -c '${script}'`,
    ]);
  const cli = (): string => `${process.execPath} ${join(copy, 'dist/lab/cli/main.js')}`;

  it('runs the demo', async () => {
    const { code, stdout, stderr } = await asUser('0666', `${cli()} demo`);
    expect(stderr).not.toMatch(/tcplab:/);
    expect(code).toBe(0);
    expect(stdout).toContain('LAST-ACK → CLOSED');
  });

  it('runs a lab, and tcpdump in it', async () => {
    needs('ping', 'tcpdump');
    const script = `${cli()} lab -q -- bash -c "
      d=\\$(mktemp -d); id -un; curl -s http://${STACK[4]}/bytes/3 | od -An -tu1
      timeout 20 tcpdump -ni tcplab0 -c 1 --immediate-mode icmp 2> \\$d/err &
      until grep -q listening \\$d/err; do sleep 0.02; done
      ping -c 1 ${STACK[4]} > /dev/null; wait; rm -r \\$d"`;
    const { code, stdout, stderr } = await asUser('0666', script);
    expect(stdout, stderr).toMatch(new RegExp(`${USER}\n +0 +1 +2\n`));
    expect(stdout).toMatch(/ICMP echo request/);
    expect(code).toBe(0);
  });

  it('asks its stack from outside the private network', async () => {
    const { stdout, stderr } = await asUser(
      '0666',
      `cd $(mktemp -d); ${cli()} serve echo -q > out 2> err & serve=$!
      for i in $(seq 200); do grep -q ready out && break; sleep 0.05; done
      ${cli()} ss -tlnH --stack tcplab0; stat -c "%a %U" /tmp/tcplab-$(id -u)
      kill $serve; wait $serve; ls /tmp/tcplab-$(id -u); rmdir /tmp/tcplab-$(id -u)`,
    );
    expect(stdout, stderr).toMatch(new RegExp(`^LISTEN 0 511 \\*:7 \\*:\\*\n700 ${USER}\n$`));
  });

  it('gets advice if the node is not accessible', async () => {
    const { code, stderr } = await asUser('0600', `${cli()} demo`);
    expect(code).toBe(77);
    expect(stderr).toMatch(/EACCES[^]*fix: sudo chmod 0666/);
  });

  it('the doctor reports what the machine allows', async () => {
    const open = await asUser('0666', `${cli()} doctor`);
    expect(open.stdout).toMatch(/way to a TUN device: a private network namespace/);
    const shut = await asUser('0600', `${cli()} doctor`);
    expect(shut.code).toBe(1);
    expect(shut.stdout).toMatch(/FAIL.*EACCES/);
  });
});
