/** Views of a running stack: a summary of each connection, `tcplab metrics`, `tcplab top`. */
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeWithTun, lab, MAIN, run, STACK } from './lab.js';

const T = `${process.execPath} ${MAIN}`;

/** `tcplab lab` as a user calls it: not quiet. */
const loud = (script: string, ...options: string[]): ReturnType<typeof run> =>
  run(process.execPath, [MAIN, 'lab', ...options, '--', 'bash', '-c', script]);
const GET = `curl -s -o /dev/null http://${STACK[4]}/bytes/5000`;

describeWithTun('the default view', () => {
  it('is a line for each connection: who closed, how long, how much', async () => {
    const { stderr } = await loud(`${GET}; ${GET.replace('/bytes/5000', '/reset')}; exit 0`);
    // On a busy machine the kernel may send something twice, and a duplicate is dropped.
    const lines = stderr.split('dropped:\n')[0]!;
    const [closed, reset, ...more] = lines.trim().split('\n');
    expect(more).toEqual([]);
    expect(closed).toMatch(
      /^\d+\.\d{6} 198\.18\.0\.1:\d+ → 198\.18\.0\.2:80 {2}closed by the peer/,
    );
    expect(closed).toMatch(/ first, [\d.]+ m?s, in \d+ bytes, out 5\d\d\d bytes$/);
    expect(reset).toMatch(/ {2}reset by us \(ABORT\), [\d.]+ m?s, in \d+ bytes, out 0 bytes$/);
  });

  it('shows segments with -v, and reasons with --why', async () => {
    const { stderr } = await loud(GET, '-v');
    expect(stderr).toMatch(/ \[S\] seq=0 .*LISTEN→SYN-RECEIVED\n/);
    expect(stderr).not.toMatch(/why:|closed by/);
    expect((await loud(GET, '--why')).stderr).toMatch(/ \[S\] seq=0 .*\n {4}why: /);
  });
});

describeWithTun('tcplab metrics', () => {
  it('prints OpenMetrics, and serves them to Prometheus', async () => {
    const { stdout, stderr } = await lab(`${GET}
${T} metrics > once; ${T} metrics --listen 0 > place & server=$!
for i in $(seq 200); do grep -q http place && break; sleep 0.05; done
url=$(sed 's/.* //' place)
ip link set lo up; curl -si $url > got; curl -s -o /dev/null -w '%{http_code}\\n' \${url}x
grep -i content-type got | tr -d '\\r'; tail -1 got; grep -c TYPE once
grep -h TcpPassive -A1 once | tail -1; grep Tcp_PassiveOpens_total got
kill $server; wait $server; echo "exit $?"; rm once place got; ${T} metrics --listen x`);
    expect(stdout, stderr).toMatch(
      new RegExp(
        '^404\ncontent-type: application/openmetrics-text; version=1\\.0\\.0; charset=utf-8\n' +
          '# EOF\n1\\d\\d\ntcplab_netstat_Tcp_PassiveOpens_total 1\n' +
          'tcplab_netstat_Tcp_PassiveOpens_total 1\nexit 0\n$',
        'i',
      ),
    );
    expect(stderr).toMatch(/--listen takes \[ADDRESS:\]PORT, not 'x'/);
  });
});

describeWithTun('tcplab top', () => {
  const LOAD = `curl -s --limit-rate 200k -o /dev/null http://${STACK[4]}/bytes/100000000 & load=$!`;

  it('prints one look without a terminal', async () => {
    const { stdout } = await lab(
      `${LOAD}; sleep 0.3; ${T} top; ${T} top --json; kill $load; ${T} top --delay 0`,
    );
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('tcplab top: tcplab0   connections: 1 ESTAB');
    expect(lines[1]).toMatch(/^in 0bit\/s {3}out \d.*bit\/s/);
    expect(lines[4]).toMatch(/^State +Local +Peer +In bit\/s. +Out bit\/s. +RTT +cwnd/);
    expect(lines[5]).toMatch(/^ESTAB +198\.18\.0\.2:80 +198\.18\.0\.1:\d+ +0 +\d/);
    expect(JSON.parse(lines[6]!)).toMatchObject({ states: { ESTAB: 1 } });
  });

  it.skipIf(!existsSync('/usr/bin/script'))(
    'fills a terminal, sorts by key, and restores it',
    async () => {
      const inTerminal =
        `stty rows 20 cols 70; ${T} top; echo code \\$?; ` + "stty -a | grep -o ' icanon'";
      const { stdout } = await lab(
        `${LOAD}; cd $(mktemp -d); (sleep 3; printf c; sleep 1; printf q) |
script -qec "${inTerminal}" typescript > /dev/null; cat typescript; kill $load`,
        [],
        60,
      );
      expect(stdout).toContain('\x1b[?1049h\x1b[?25l');
      expect(stdout).toMatch(/cwnd▾/);
      expect(stdout.split('\x1b[?25h\x1b[?1049l')[1]).toMatch(/code 0\r?\n icanon/);
      // No line is wider than the terminal.
      const drawn = stdout.split('\x1b[?1049h')[1]!.split('\x1b[?1049l')[0]!;
      // eslint-disable-next-line no-control-regex -- the escapes of the terminal
      for (const line of drawn.replace(/\x1b\[[\d;?]*[A-Za-z]/g, '\n').split(/[\r\n]+/))
        expect(line.length).toBeLessThanOrEqual(70);
    },
  );
});
