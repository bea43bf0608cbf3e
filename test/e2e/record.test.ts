/** `--record` and `tcplab replay` with the real kernel at the other end. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bytesSource, RecordReader } from '../../src/record/reader.js';
import { Op } from '../../src/record/records.js';
import { needs } from '../tools/needs.js';
import { describeWithTun, inNamespace, lab, MAIN, run, scratch, STACK, type Ran } from './lab.js';

const folder = scratch();

const replay = (file: string, ...options: string[]): Promise<Ran> =>
  run(process.execPath, [MAIN, 'replay', file, ...options], 100);

/** Packets both ways in a recording. */
function packetsIn(file: string): number {
  const reader = new RecordReader(bytesSource(readFileSync(file)));
  let packets = 0;
  while (reader.hasMore) {
    const op = reader.record();
    if (op === Op.packet || op === Op.sent) packets++;
  }
  return packets;
}

describeWithTun('a recorded lab', () => {
  it('of 10,000 packets and faults replays the same, to its last state hash', async () => {
    needs('curl');
    const file = join(folder, 'large.tcplab');
    const script = `
      curl -sf http://${STACK[4]}/bytes/90000000 | wc -c
      head -c 4000000 /dev/zero | curl -sf -T - http://${STACK[6]}/upload
      ping -c 2 -i 0.2 ${STACK[4]} > /dev/null
      exec 3<>/dev/udp/${STACK[4]}/7; echo hello >&3; read -N 1 -t 5 -u 3 byte; echo $byte`;
    const options = ['--record', file, '--no-offload', '--loss', '0.3%', '--seed', '3'];
    const ran = await lab(script, options, 120);
    expect(ran.stdout).toMatch(/90000000\n[^]*4000000[^]*\nh\n/);
    expect(packetsIn(file)).toBeGreaterThan(10_000);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { code, stdout, stderr } = await replay(file);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /\d+ of \d+ whole steps; the replay is the same as what was recorded\n$/,
    );
    expect(stdout).toMatch(/fast retransmit/);
  });

  it('with --record-snap is small, and replays the same', async () => {
    needs('curl');
    const file = join(folder, 'small.tcplab');
    await lab(`curl -sf ${STACK[4]}/bytes/1000000 > /dev/null`, [
      '--record',
      file,
      '--record-snap',
      '0',
    ]);
    expect(statSync(file).size).toBeLessThan(100_000);
    expect((await replay(file)).code).toBe(0);
  });

  it('that is killed replays up to its last whole step', async () => {
    needs('curl');
    const file = join(folder, 'killed.tcplab');
    const ran = await inNamespace(`
      $TCPLAB serve --tun tcplab0 -q --record ${file} > ${folder}/out & pid=$!
      until grep -q ready ${folder}/out; do sleep 0.1; done
      curl -sf ${STACK[4]}/bytes/500000 | wc -c
      sleep 1
      kill -9 $pid`);
    expect(ran.stdout).toContain('500000');
    const { code, stdout } = await replay(file);
    expect(code).toBe(0);
    expect(stdout).toMatch(/the replay is the same/);
  });

  it('has a file for each worker', async () => {
    needs('curl');
    const file = join(folder, 'workers.tcplab');
    const ran = await inNamespace(`
      $TCPLAB serve --tun tcplab0 -q --workers 2 --record ${file} > ${folder}/out2 & pid=$!
      until grep -q ready ${folder}/out2; do sleep 0.1; done
      for i in 1 2 3 4 5 6; do curl -sf ${STACK[4]}/ > /dev/null || echo failed; done
      kill $pid; wait $pid`);
    expect(ran.stdout).toBe('');
    for (const i of [0, 1])
      expect((await replay(join(folder, `workers.${i}.tcplab`))).code).toBe(0);
  });

  it('is shown at a step, and as JSON; a damaged one says so', async () => {
    needs('curl');
    const file = join(folder, 'shown.tcplab');
    await lab(`curl -sf ${STACK[4]}/`, ['--record', file]);
    const at = await replay(file, '--until', '30');
    expect(at.stdout).toMatch(/^step 30, [\d.]+ s: /);
    expect(at.stdout).toMatch(/^ {2}state: /m);
    const { stdout } = await replay(file, '--json');
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    // A packet of the kernel's may come before the services listen.
    expect(lines).toContainEqual(expect.objectContaining({ input: 'listen' }));
    expect(lines.at(-1)).toMatchObject({ end: { damage: null } });
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1]! ^= 4;
    writeFileSync(file, bytes);
    const damaged = await replay(file);
    expect(damaged.code).toBe(1);
    expect(damaged.stderr).toMatch(/the recording is damaged at byte \d+: a block does not have/);
  });
});
