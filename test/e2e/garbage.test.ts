/**
 * Garbage from the kernel's side, by garbage.c, hping3 and nmap, while curls run: all of them
 * succeed, and every dropped packet has a reason.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithTun, inNamespace, ROOT, scratch, STACK } from './lab.js';
import { needs } from '../tools/needs.js';

const SEED = 20_261_123;
const PACKETS = 40_000;

describeWithTun('20 curls', () => {
  const dir = scratch();

  it('succeed during garbage', async () => {
    needs('hping3', 'nmap');
    const source = join(ROOT, 'test', 'e2e', 'garbage.c');
    const { stdout, stderr } = await inNamespace(
      `cd ${dir}; cc -O1 -Wall -Wextra -Werror -o garbage ${source} || exit
$TCPLAB serve --tun t0 -q > out 2> err & serve=$!
for i in $(seq 200); do grep -q ready out && break; sleep 0.05; done
while ./garbage t0 ${PACKETS} ${SEED} > sent && [ ! -e fetched ]; do :; done & garbage=$!
{ for flags in -S -A -R -F -X -Y -U; do
    hping3 -q $flags -p 80 -c 300 -i u500 -b 198.18.0.2
    hping3 -q $flags -p 80 -c 300 -i u500 -f -d 600 198.18.0.2
  done; } > /dev/null 2>&1 & hping=$!
scan() { nmap --privileged -n -Pn "$@" 198.18.0.2; }
{ for kind in -sS -sN -sX -sA; do
    scan $kind -p 7,80,81 --max-retries 1 --host-timeout 10s
  done
  scan -sS --badsum -p 80 --max-retries 0 --host-timeout 5s
  scan -O -p 80,81 --max-os-tries 1 --host-timeout 15s; } > scans 2>&1 & nmap=$!
for i in $(seq 10); do
  curl -sS --max-time 100 --limit-rate 4M http://${STACK[4]}/bytes/12000000 | wc -c &
  all="$all $!"
done
for i in $(seq 10); do
  head -c 8000000 /dev/zero |
    curl -sS --max-time 100 --limit-rate 3M -T - http://${STACK[4]}/upload | cut -d ' ' -f 1 &
  all="$all $!"
done
wait $all; touch fetched; wait $garbage $hping $nmap; cat sent
curl -sS --max-time 100 http://${STACK[4]}/bytes/1000 | wc -c
kill -TERM $serve; wait $serve; echo "exit $?"; cat err
grep -E '^(7|80|81)/tcp|Sequence|guesses|OS details' scans | sort | uniq -c`,
      58,
    );
    const said = stdout.split('\n');
    expect(said.slice(0, 20).sort(), stdout + stderr).toEqual([
      ...Array.from({ length: 10 }, () => '12000000'),
      ...Array.from({ length: 10 }, () => '8000000'),
    ]);
    expect(Number(said[20])).toBe(PACKETS);
    expect(said.slice(21, 23)).toEqual(['1000', 'exit 0']);
    const dropped = (name: string): number =>
      Number(new RegExp(`(\\d+)  ${name} `).exec(stdout)?.[1] ?? 0);
    for (const name of [
      'ipBadVersion',
      'ipBadChecksum',
      'tcpBadChecksum',
      'ipBadOption',
      'icmpNoSuchFlow',
    ])
      expect(dropped(name), name).toBeGreaterThan(10);
    // What nmap sees through all of it: two open ports, one closed; nothing is filtered by what
    // never answered.
    expect(stdout).toMatch(/\d+ 80\/tcp +open +http/);
    expect(stdout).toMatch(/\d+ 81\/tcp +closed/);
    expect(stdout + stderr).not.toMatch(/Error|at .*\.js/);
  });
});
