/**
 * How commands end: by a signal, with open connections, with an unread pipe, and with a count of
 * dropped packets.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { describeWithTun, inNamespace, MAIN, ROOT, run } from './lab.js';
import { needs } from '../tools/needs.js';

const READY = 'until grep -q ^ready $d/out; do sleep 0.02; done';
/**
 * `serve` in the background, $server its process id, $d a folder; then a script, whose last line is
 * the exit code of `serve`.
 */
const besideServe = (options: string, script: string): ReturnType<typeof inNamespace> =>
  inNamespace(
    `d=$(mktemp -d); trap 'rm -rf $d' EXIT; $TCPLAB serve --tun tcplab0 -q ${options} > ` +
      `$d/out & server=$!; ${READY}; ${script}; wait $server; echo "serve $?"`,
  );

describeWithTun('tcplab serve, after a signal', () => {
  it('ends its open connections with a RST', async () => {
    const held = 'exec 3<>/dev/tcp/198.18.0.2/7; echo hello >&3; read -u 3 line; echo "got $line"';
    const { stdout, stderr } = await besideServe(
      'echo',
      `${held}; kill -INT $server; if timeout 20 cat <&3 2> $d/why; then echo closed; else ` +
        `grep -o 'reset by peer' $d/why; fi`,
    );
    expect(stdout, stderr).toMatch(/^got hello\n(closed|reset by peer)\nserve 0\n$/);
  });

  it('removes its device', async () => {
    const { stdout, stderr } = await besideServe(
      'echo',
      'ip -o link show tcplab0 | wc -l; kill $server; while kill -0 $server 2> /dev/null; do ' +
        'sleep 0.02; done; ip -o link show tcplab0 2>&1 | grep -o "does not exist"',
    );
    expect(stdout, stderr).toBe('1\ndoes not exist\nserve 0\n');
  });

  it('prints the dropped packets by reason', async () => {
    needs('nc');
    const { stdout, stderr } = await besideServe('echo', 'nc -z 198.18.0.2 9; kill $server');
    expect(stderr).toMatch(/dropped:\n +1 {2}tcpNoSuchPort/);
    expect(stdout).toBe('serve 0\n');
  });
});

describeWithTun('a pipe whose reader has ended', () => {
  for (const [what, command] of [
    ['a ping', '$TCPLAB ping -c 1000 -i 0.02 198.18.0.1'],
    ['a capture', '$TCPLAB serve -q echo --pcap -'],
  ] as const) {
    it(`ends ${what} silently`, async () => {
      const { stdout, stderr } = await inNamespace(
        `${command} --tun tcplab0 | head -c 8 > /dev/null; echo "\${PIPESTATUS[@]}"`,
      );
      expect(stdout).toBe('0 0\n');
      // Where the capture has standard output, "ready" goes to standard error.
      expect(stderr).toMatch(/^(ready [^\n]*\n)?$/);
    });
  }
});

describeWithTun('a reader that ends early', () => {
  it('does not end the demo with an error', async () => {
    const { stdout } = await run('bash', [
      '-c',
      `'${process.execPath}' '${MAIN}' demo | head -c 8 > /dev/null; echo "\${PIPESTATUS[@]}"`,
    ]);
    expect(stdout).toBe('0 0\n');
  });
});

it('a second Ctrl-C ends a command that is still busy ending', async () => {
  const lifetime = pathToFileURL(join(ROOT, 'dist', 'lab', 'cli', 'lifetime.js')).href;
  const program = `import { lifetime } from '${lifetime}';
    const life = lifetime();
    setInterval(() => undefined, 1000);
    console.log('up');
    console.log('told', await life.ended);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  let said = '';
  child.stdout.on('data', (d: Buffer) => {
    said += d.toString();
    child.kill('SIGINT');
  });
  const [code, signal] = await new Promise<unknown[]>((resolve) =>
    child.on('close', (...how) => resolve(how)),
  );
  expect([said, code, signal]).toEqual(['up\ntold 0\n', 1, null]);
});
