import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { MILLISECOND } from '../../src/base/time.js';
import { Peer } from './peer.js';
import { Steps } from './steps.js';

const ROOT = resolve(import.meta.dirname, '../..');
const HERE = 'test/tcp/steps.test.ts';

if (process.env['TCPLAB_FAILS'] === undefined) {
  it('a failing test prints its steps in order, the failing one last', async () => {
    const vitest = resolve(ROOT, 'node_modules/vitest/vitest.mjs');
    const args = [vitest, 'run', '--config', '.ci/vitest.config.ts', '--project', 'core', HERE];
    const env = { ...process.env, CI: '', NO_COLOR: '1', TCPLAB_FAILS: 'yes' };
    const output = await new Promise<string>((done) => {
      execFile(process.execPath, args, { cwd: ROOT, env }, (_, out, err) => done(out + err));
    });
    const message = /The steps that were played:\n(.*failed here[^\n]*)\n/s.exec(output)?.[1];
    expect(message?.split('\n'), output).toEqual([
      '0.000000 < S 0:0(0) win 65535 <mss 1460>',
      expect.stringMatching(/^0\.000000 {3}LISTEN -> SYN-RECEIVED: /),
      '0.000000 > S. 0:0(0) ack 1 win 64240 <mss 1460>',
      '0.000000 < . 1:1(0) ack 1 win 65535',
      expect.stringMatching(/^0\.000000 {3}SYN-RECEIVED -> ESTABLISHED: /),
      '0.000000 wait 0.010000',
      '0.010000 write(100) = 100',
      '0.010000 > P. 1:101(100) ack 1 win 64240',
      '0.010000 < P. 1:6(5) ack 101 win 65535',
      '0.010000 > . 101:101(0) ack 6 win 64235',
      '0.010000 read() = 5',
      '0.010000 failed here: expected 5 to be 6 // Object.is equality',
    ]);
  });

  it('a long test prints its last steps and how many there were before', () => {
    const steps = new Steps();
    for (let n = 1; n <= 1000; n++) steps.add(n * MILLISECOND, `step ${n}`);
    const lines = steps.textAt('wrong\n  in two lines').split('\n');
    expect(lines.slice(0, 5)).toEqual([
      'wrong',
      '  in two lines',
      'The steps that were played:',
      '(940 before these)',
      '0.941000 step 941',
    ]);
    expect(lines.slice(-2)).toEqual(['1.000000 step 1000', '1.000000 failed here: wrong']);
  });
} else {
  it('fails', () => {
    const s = Peer.established({ config: { noDelay: true } });
    s.wait(10 * MILLISECOND);
    s.write(100);
    s.send({ flags: 'P.', seq: 1, ack: 101, len: 5 });
    expect(s.read()).toBe(6);
  });
}
