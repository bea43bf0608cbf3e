/** The commands that watch a running stack from another terminal: trace and dump. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { needs } from '../tools/needs.js';
import { describeWithTun, lab, MAIN, run, scratch, STACK } from './lab.js';

const T = `${process.execPath} ${MAIN}`;

/** Waits until `file` has a line that matches, at most 10 s. */
const until = (file: string, pattern: string): string =>
  `for i in $(seq 100); do grep -q '${pattern}' ${file} && break; sleep 0.1; done`;

describeWithTun('tcplab trace', () => {
  it('prints the segments that match, with the reasons, and nothing of other connections', async () => {
    const out = join(scratch(), 'trace.txt');
    const { stderr } = await lab(`
${T} trace sport = :7 > ${out} & P=$!
exec 3<>/dev/tcp/${STACK[4]}/13; cat <&3 > /dev/null; exec 3>&-
for i in $(seq 50); do
  exec 3<>/dev/tcp/${STACK[4]}/7; exec 3>&-; grep -q 'S' ${out} && break; sleep 0.1
done
${until(out, 'ESTABLISHED')}
kill -INT $P; wait $P`);
    const text = readFileSync(out, 'utf8');
    expect(text, stderr).toMatch(/→ 198\.18\.0\.2:7 {2}\[S\] seq=0/);
    expect(text).toMatch(/why: SYN-RECEIVED → ESTABLISHED/);
    expect(text).not.toContain(':13 ');
  });

  it('ends with the stack', async () => {
    const out = join(scratch(), 'trace.txt');
    const body = `${T} trace --json > ${out} & echo $! > ${out}.pid
${until(out, 'trace_started')}`;
    const { stdout } = await run('bash', [
      '-c',
      `export TCPLAB_RUNTIME_DIR=${scratch()}/run
${T} lab -q -- bash -c "$0"
for i in $(seq 50); do
  kill -0 $(cat ${out}.pid) 2> /dev/null || { echo over; break; }
  sleep 0.1
done`,
      body,
    ]);
    expect(stdout).toContain('over');
    expect(readFileSync(out, 'utf8')).toMatch(/^\{"time":0,"name":"tcplab:trace_started"/);
  });

  it('says what to do for a state in the condition', async () => {
    const { stdout } = await lab(`${T} trace state established 2>&1; echo "exit $?"`);
    expect(stdout).toMatch(/cannot be filtered by state[^]*--only states[^]*exit 2/);
  });
});

describeWithTun('tcplab dump', () => {
  it('prints what tcpdump prints of the capture that it writes', async () => {
    needs('tcpdump', 'curl');
    const file = join(scratch(), 'dump.pcapng');
    const { stdout, stderr } = await lab(`
${T} dump -c 10 -w ${file} tcp port 80 2> ${file}.err & P=$!
${until(`${file}.err`, 'listening')}
sleep 0.3
curl -s -o /dev/null http://${STACK[4]}/
while kill -0 $P 2> /dev/null; do curl -s -o /dev/null http://${STACK[4]}/; done
wait $P
TZ=UTC ${T} dump -r ${file} > ${file}.ours
TZ=UTC tcpdump -n -r ${file} 2> /dev/null > ${file}.theirs
wc -l < ${file}.ours
diff ${file}.ours ${file}.theirs && echo same`);
    expect(stdout, stderr).toBe('10\nsame\n');
  });

  it('--why adds the reasons', async () => {
    needs('curl');
    const out = join(scratch(), 'dump.txt');
    await lab(`
${T} dump --why -c 3 > ${out} 2> ${out}.err & P=$!
${until(`${out}.err`, 'listening')}
sleep 0.3
while kill -0 $P 2> /dev/null; do curl -s -o /dev/null http://${STACK[4]}/; done
wait $P`);
    expect(readFileSync(out, 'utf8')).toMatch(
      /Flags \[S\], [^\n]*\n(?: {4}[^\n]*\n)* {4}LISTEN → SYN-RECEIVED: valid SYN/,
    );
  });

  it('a wrong filter is shown at its place', async () => {
    const { stdout } = await lab(`${T} dump tcp prt 80 2>&1; echo "exit $?"`);
    expect(stdout).toMatch(/prt[^]*\^[^]*exit 2/);
  });
});
