/**
 * The commands that ask a running stack: ss, nstat, kill, faults. The kernel's own ss and nstat
 * show the other end of the same connections.
 */
import { expect, it } from 'vitest';
import { describeWithTun, lab, MAIN, run, scratch, STACK, UNSHARE } from './lab.js';

const T = `${process.execPath} ${MAIN}`;
/** Other tests run stacks at the same time, so these have a folder of their own. */
const inFolder = (folder: string, script: string): ReturnType<typeof run> =>
  run('bash', ['-c', script], 100, {
    env: { ...process.env, TCPLAB_RUNTIME_DIR: folder, T },
  });

/** The fields of the second line of `ss -i`: names and values, and names without a value. */
function fieldsOf(stdout: string): Record<string, string> {
  const fields: Record<string, string> = {};
  const words = stdout.trim().split('\n').at(-1)!.trim().split(/\s+/);
  for (let i = 0; i < words.length; i++) {
    const [name, value] = words[i]!.split(/:(.*)/) as [string, string | undefined];
    const rate = value === undefined && /^[\d.]+[KMG]?bps/.test(words[i + 1] ?? '');
    fields[name] = value ?? (rate ? words[++i]! : '');
  }
  return fields;
}

describeWithTun('tcplab ss', () => {
  it('shows the connection of which the kernel shows the other end', async () => {
    const { stdout, stderr } = await lab(`
exec 3<>/dev/tcp/${STACK[4]}/7
for i in 1 2 3; do printf '%1000d' $i >&3; head -c 1000 <&3 > /dev/null; done
sleep 0.3
${T} ss -tineomH state established sport = :7 > /tmp/ours.$$
ss -tineomH dst ${STACK[4]} > /tmp/kernels.$$
cat /tmp/ours.$$; echo ==; cat /tmp/kernels.$$; rm /tmp/ours.$$ /tmp/kernels.$$`);
    const [ours, theirs] = stdout.split('==\n') as [string, string];
    expect(ours, stderr).toMatch(
      new RegExp(
        '^ESTAB 0 +0 +198\\.18\\.0\\.2:7 +198\\.18\\.0\\.1:\\d+ uid:\\d+ sk:\\w+ <->\n' +
          '\t skmem:\\(r0,rb\\d+,t0,tb\\d+,f0,w0,o0,bl0,d0\\) ts sack cubic ',
      ),
    );
    const a = fieldsOf(ours);
    const b = fieldsOf(theirs);
    for (const [mine, kernels] of [
      ['bytes_sent', 'bytes_received'],
      ['bytes_received', 'bytes_sent'],
      ['data_segs_out', 'data_segs_in'],
      ['data_segs_in', 'data_segs_out'],
      ['segs_in', 'segs_out'],
      ['mss', 'mss'],
      ['pmtu', 'pmtu'],
      ['advmss', 'advmss'],
      ['ts', 'ts'],
      ['sack', 'sack'],
    ] as const)
      expect([mine, a[mine]]).toEqual([mine, b[kernels]]);
    expect(a['wscale']).toBe(b['wscale']!.split(',').reverse().join(','));
    expect(a['bytes_sent']).toBe('3000');
    // Both names and order are ss's: all of ours are known to it, or newer than it.
    const order = Object.keys(b).filter((name) => name in a);
    expect(Object.keys(a).filter((name) => name in b)).toEqual(order);
    for (const name of ['rtt', 'rto', 'cwnd', 'minrtt', 'snd_wnd', 'rcv_space', 'pacing_rate'])
      expect(a[name], name).toMatch(/\d/);
  });

  it('lists listeners, TIME-WAIT with its timer, and JSON', async () => {
    const { stdout } = await lab(`
exec 3<>/dev/tcp/${STACK[4]}/13; cat <&3 > /dev/null; exec 3<&-; sleep 0.3
${T} ss -tlnH; ${T} ss -tanoH state time-wait; ${T} ss --json state time-wait`);
    const lines = stdout.trim().split('\n');
    expect(lines.slice(0, 6).map((line) => line.split(/\s+/).slice(0, 5).join(' '))).toEqual(
      [7, 9, 13, 19, 37, 80].map((port) => `LISTEN 0 511 *:${port} *:*`),
    );
    expect(lines[6]).toMatch(/^TIME-WAIT 0 0 198\.18\.0\.2:13 .* timer:\(timewait,5\dsec,0\)$/);
    expect(JSON.parse(lines[7]!)).toMatchObject({
      sockets: [{ state: 'TIME-WAIT', local: { address: '198.18.0.2', port: 13 } }],
    });
  });
});

describeWithTun('tcplab nstat', () => {
  it('counts what the kernel counts at the other end', async () => {
    // With offload the kernel counts a super-segment that it receives once.
    const { stdout, stderr } = await lab(
      `for i in 1 2 3; do curl -s http://${STACK[4]}/bytes/20000 > /dev/null; done
curl -s http://${STACK[4]}:81/; sleep 0.3
${T} nstat --json -z; nstat -az --json; ${T} nstat; ${T} nstat -a TcpOut*`,
      ['--no-offload'],
    );
    const lines = stdout.trim().split('\n');
    const numbers = (line: string): Record<string, number> =>
      (JSON.parse(line) as { kernel: Record<string, number> }).kernel;
    const ours = numbers(lines[0]!);
    const kernels = numbers(lines[1]!);
    for (const [mine, theirs] of [
      ['TcpInSegs', 'TcpOutSegs'],
      ['TcpOutSegs', 'TcpInSegs'],
    ] as const)
      expect([mine, ours[mine]], stderr).toEqual([mine, kernels[theirs]]);
    expect(ours['TcpOutRsts']).toBe(1);
    expect([ours['TcpPassiveOpens'], kernels['TcpActiveOpens']]).toEqual([3, 4]);
    // The names are the kernel's, in its order.
    const known = Object.keys(ours).filter((name) => !name.startsWith('Tcplab'));
    expect(known).toEqual(Object.keys(kernels).filter((name) => name in ours));
    // The second call shows the difference: nothing.
    expect(lines.slice(2).join('\n')).toMatch(
      /^#kernel\n#kernel\nTcpOutSegs {22}\d+ +0\.0\nTcpOutRsts {22}1 {18}0\.0$/,
    );
  });
});

describeWithTun('tcplab kill', () => {
  it('ends the connections that match with a RST, lists them, and needs a filter', async () => {
    const { stdout, stderr } = await lab(`
exec 3<>/dev/tcp/${STACK[4]}/7 4<>/dev/tcp/${STACK[4]}/7
port=$(ss -tnH dst ${STACK[4]} | awk 'NR==1 { sub(/.*:/, "", $4); print $4 }')
${T} kill -nH dport = :$port; sleep 0.2
ss -tnH dst ${STACK[4]} | wc -l; ${T} ss -tnH | wc -l
${T} kill; echo "exit $?"; ${T} kill sport = :http; echo "exit $?"`);
    expect(stdout, stderr).toMatch(
      /^ESTAB 0 0 198\.18\.0\.2:7 198\.18\.0\.1:\d+\n1\n1\nexit 2\nState [^\n]*\nexit 0\n$/,
    );
    expect(stderr).toMatch(/kill needs a filter[^]*fix: tcplab kill dst/);
  });
});

describeWithTun('tcplab faults', () => {
  it('sets, adds, shows and clears, at once', async () => {
    const { stdout, stderr } = await lab(`
took() { local s=$(date +%s%N); curl -s -o /dev/null http://$1/; echo $(( ($(date +%s%N) - s) / 1000000 )); }
${T} faults; ${T} faults set delay 300ms seed 7; took ${STACK[4]} 
${T} faults add in loss 1%; ${T} faults clear | head -1; took ${STACK[4]}
${T} faults drop 'out:syn-ack:1@198.18.0.1:80' > /dev/null; took ${STACK[6]}; took ${STACK[4]}
${T} faults; ${T} faults set lose 5%; echo "exit $?"; ${T} faults --json clear`);
    const lines = stdout.trim().split('\n');
    expect(lines[0], stderr).toBe('no faults');
    expect(lines[1]).toBe('both: delay 300ms seed 7');
    const [slow, fast, other, dropped] = lines.filter((line) => /^\d+$/.test(line)).map(Number);
    expect(slow).toBeGreaterThanOrEqual(1200);
    expect(fast).toBeLessThan(slow!);
    expect(other).toBeLessThan(900);
    expect(dropped).toBeGreaterThanOrEqual(900);
    expect(stdout).toMatch(/^in: {3}loss 1% delay 300ms seed 7$/m);
    expect(stdout).toMatch(/^out: {2}delay 300ms seed 7$/m);
    expect(stdout).toMatch(/^drop: out:syn-ack:1@198\.18\.0\.1:80 \(1 of \d dropped\)$/m);
    expect(stderr).toMatch(/unknown link option 'lose'[^]*fix: tcplab faults --help/);
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ rules: [] });
  });
});

describeWithTun('several stacks', () => {
  const folder = scratch();
  /** Two stacks, each in a private network of its own, asked from outside. */
  const START = `
cd ${folder}
start() { $T serve echo -q "$@" > out.$1 2> err.$1 & }
ready() { for i in $(seq 200); do grep -q ready out.$1 && return; sleep 0.05; done; cat err.$1; }
pid() { $T info --stack $1 --json | sed 's/.*"pid":\\([0-9]*\\).*/\\1/'; }`;

  it('are told apart by name, from outside their networks, and one that was killed leaves nothing', async () => {
    const { stdout, stderr } = await inFolder(
      folder,
      `${START}
$T ss; echo "exit $?"
$T serve echo -q > out.1 2> err.1 & one=$!; ready 1; $T ss -tlnH | wc -l
$T serve echo -q > out.2 2> err.2 & two=$!; ready 2; $T ss; echo "exit $?"
$T ss --stack tcplab0-2 -tlnH | wc -l; $T info --stack tcplab0 | head -2
$T nstat --stack tcplab0; ls ${folder}/*.nstat
kill -9 $(pid tcplab0); wait $one; ls ${folder}/*.sock; $T info | head -1
$T serve echo -q --name tcplab0 > out.3 2> err.3 & three=$!; ready 3; $T nstat --stack tcplab0 -a
$T serve echo -q --name tcplab0 2>&1 | head -2
kill $two $three; wait $two $three; ls ${folder}/*.sock ${folder}/*.nstat 2>/dev/null; echo end`,
    );
    expect(stdout.replaceAll(folder, ''), stderr).toBe(
      `exit 1
1
exit 1
1
name       tcplab0
command    tcplab serve echo -q
#kernel
/tcplab0.nstat
/tcplab0-2.sock
/tcplab0.sock
name       tcplab0-2
#kernel
tcplab: another stack has the name 'tcplab0'
  fix: choose another --name, or end that one: tcplab info --stack tcplab0 shows its process
end
`,
    );
    expect(stderr).toMatch(/no stack of this user is running\n {2}fix: tcplab lab/);
    expect(stderr).toMatch(/2 stacks are running: tcplab0, tcplab0-2\n {2}fix: .*--stack tcplab0/);
  });

  it('one of several workers answers for all of them', async () => {
    const { stdout, stderr } = await inFolder(
      folder,
      `unshare ${UNSHARE.join(' ')} bash -c '
cd ${folder}; $T serve --tun t0 --workers 3 --name many -q > out.w 2> err.w & w=$!
for i in $(seq 200); do grep -q ready out.w && break; sleep 0.05; done
for i in $(seq 12); do exec {fd}<>/dev/tcp/${STACK[4]}/7; done; sleep 0.3
$T ss -tnH | wc -l; $T ss -tlnH sport = :7; $T nstat -a TcpPassiveOpens; $T info | tail -1
$T kill -nH sport = :7 | wc -l; $T faults add loss 100% > /dev/null; $T faults | head -1
$T faults clear > /dev/null; kill $w; wait $w'`,
    );
    expect(stdout, stderr).toMatch(
      new RegExp(
        '^12\nLISTEN 0 1533 \\*:7 \\*:\\*\n#kernel\nTcpPassiveOpens +12 +0\\.0\n' +
          'workers +3\n12\nboth: loss 100% seed 1\n$',
      ),
    );
  });
});
