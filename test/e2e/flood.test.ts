/**
 * Attacks with common tools in a private namespace: SYN floods with spoofed sources by hping3, and
 * nmap's rating of our sequence numbers. Every flood is limited in number and by a timeout. The
 * spoofed sources have no route, so our SYN,ACKs get no answer.
 */
import { expect, it } from 'vitest';
import { describeWithTun, inNamespace } from './lab.js';
import { needs } from '../tools/needs.js';

const CURLS = 100;
/**
 * More than the process needs at its start: half-open connections, buffers, and what the garbage
 * collector has not seen yet.
 */
const MORE_MEMORY_KB = 96 * 1024;

/**
 * The stack in the background: $server is its process id, $d/err what it says, `rss` its memory,
 * `packets` the kernel's counts for the TUN.
 */
const server = (options: string): string => `
d=$(mktemp -d); trap 'rm -rf $d; kill $(jobs -p) 2>/dev/null' EXIT
rss() { awk "/$1/{print \\$2}" /proc/$server/status; }
packets() { awk '/tcplab0:/{print $11, $13}' /proc/self/net/dev; }
$TCPLAB serve --tun tcplab0 -q --stats ${options} > $d/out 2> $d/err & server=$!
for i in $(seq 200); do grep -q ready $d/out && break; sleep 0.05; done
echo "rss_before $(rss VmRSS)"`;

/** hping3 in the background, as $flood, until the SYN queue is full: the stack says so. */
const flood = (rate: string, most: number): string =>
  `timeout 50 hping3 -q -c ${most} -S -p 80 --rand-source ${rate} 198.18.0.2 > $d/hping 2>&1 ` +
  `& flood=$!; for i in $(seq 200); do grep -q 'SYN flood' $d/err && break; sleep 0.05; done`;

/** Genuine clients, some at a time; how many got their answer. */
const curls = (atATime: number, all = CURLS): string =>
  `echo "succeeded $(seq ${all} | xargs -P ${atATime} -I{} curl -s -o /dev/null --max-time 5 ` +
  `-w '%{http_code}\\n' http://198.18.0.2/bytes/1000 | grep -c 200)"; ` +
  'kill -0 $flood && echo "still_flooding 1"';

const end = `
echo "rss_most $(rss VmHWM)"; set -- $(packets); echo "tun_packets $1"; echo "tun_dropped $2"
kill -INT $flood; wait $flood; kill -INT $server; wait $server; cat $d/err`;

interface Report {
  /** \`name value\` lines of the script, and the stack's counters. */
  readonly numbers: Readonly<Record<string, number>>;
  readonly text: string;
}

async function attack(script: string, seconds: number): Promise<Report> {
  const { stdout, stderr } = await inNamespace(script, seconds);
  const text = stdout + stderr;
  const numbers = [...stdout.matchAll(/^(\w+)\s+(\d+)(?:\s|$)/gm)].map(
    ([, name, n]) => [name!, Number(n)] as const,
  );
  return { numbers: Object.fromEntries(numbers), text };
}

describeWithTun('a SYN flood with spoofed sources', () => {
  it(`does not keep ${CURLS} genuine clients out: each connects with its SYN cookie, and memory is bounded`, async () => {
    needs('hping3');
    const { numbers: n, text } = await attack(
      `${server('')}; ${flood('-i u200', 300_000)}; ${curls(10)}; ${end}`,
      80,
    );
    expect(n, text).toMatchObject({ succeeded: CURLS, still_flooding: 1, tun_dropped: 0 });
    // The queue was full all the time, or some would have connected without a cookie.
    expect(n, text).toMatchObject({ TcpExtSyncookiesRecv: CURLS, TcpPassiveOpens: CURLS });
    expect(n['TcpExtSyncookiesSent'], text).toBeGreaterThan(CURLS);
    expect(n['rss_most']! - n['rss_before']!, text).toBeLessThan(MORE_MEMORY_KB);
    expect(text).toMatch(/SYN cookies: \d+ sent, 100 accepted/);
    expect(text).toMatch(/tcplab: possible SYN flood on port 80: .*SYN cookies are sent instead/);
  });

  it('keeps them out if cookies are switched off', async () => {
    needs('hping3');
    const { numbers: n, text } = await attack(
      `${server('--syncookies 0')}; ${flood('-i u200', 300_000)}; ${curls(100)}; ${end}`,
      90,
    );
    expect(n, text).toMatchObject({ still_flooding: 1, tun_dropped: 0 });
    expect(n['succeeded'], text).toBeLessThan(CURLS / 2);
    expect(n['TcpExtTCPReqQFullDrop'], text).toBeGreaterThan(1000);
    expect(n['TcpExtSyncookiesSent'], text).toBeUndefined();
    expect(text).toMatch(/tcpSynQueueFull/);
  });

  it('at the full rate of hping3 --flood memory is bounded, an established transfer completes at its rate, and new clients connect', async () => {
    needs('hping3');
    const size = 40_000_000;
    const transfer =
      `curl -s --max-time 45 --limit-rate 5M -o $d/file -w 'transferred %{size_download}\\n' ` +
      `http://198.18.0.2/bytes/${size} & transfer=$!; ` +
      'until [ -s $d/file ]; do sleep 0.02; done';
    const during =
      'set -- $(packets); in=$(($1 + $2)); size=$(stat -c %s $d/file); echo "in_before $in"; ' +
      'echo "size_before $size"; for i in $(seq 100); do sleep 0.2; set -- $(packets); [ $(($1 ' +
      '+ $2 - in)) -gt 100000 ] && [ $(($(stat -c %s $d/file) - size)) -gt 5000000 ] && break; ' +
      'done; echo "size_during $(stat -c %s $d/file)"; echo "in_during $(($1 + $2))"; ' +
      `${curls(10, 20)}`;
    const script =
      `${server('')}; ${transfer}; ${flood('--flood', 10_000_000)}; ${during}; kill -INT ` +
      `$flood; wait $transfer; ${end}`;
    const { numbers: n, text } = await attack(script, 90);
    expect(n, text).toMatchObject({ still_flooding: 1, transferred: size, succeeded: 20 });
    // More than what waited in curl's own receive buffer: the stack sent it while it was flooded.
    expect(n['size_during']! - n['size_before']!, text).toBeGreaterThan(5_000_000);
    // hping3 sent at its full rate, and the device accepted it.
    expect(n['in_during']! - n['in_before']!, text).toBeGreaterThan(100_000);
    expect(n['TcpExtSyncookiesSent'], text).toBeGreaterThan(20_000);
    expect(n['rss_most']! - n['rss_before']!, text).toBeLessThan(MORE_MEMORY_KB);
  });
});

describeWithTun('nmap -O', () => {
  it.each(['1', '2'])(
    "rates our sequence numbers like the kernel's, with and without cookies: --syncookies %s",
    async (cookies) => {
      needs('nc', 'nmap');
      const scan = (host: string): string =>
        `nmap --privileged -O -v -n -Pn -p 80,81 --max-os-tries 1 --host-timeout 30s ${host} ` +
        `| grep 'TCP Sequence Prediction'`;
      // The kernel's own listener, over loopback, in the same namespace.
      const kernel =
        'ip link set lo up; nc -l -k 127.0.0.1 80 > /dev/null & for i in $(seq 100); do ss ' +
        `-ltn | grep -q :80 && break; sleep 0.05; done; ${scan('127.0.0.1')}`;
      const { text } = await attack(
        `${server(`--syncookies ${cookies}`)}; ${scan('198.18.0.2')}; ${kernel}; kill -INT ` +
          '$server; wait $server',
        80,
      );
      const rated = [...text.matchAll(/TCP Sequence Prediction: Difficulty=(\d+) \((.*)\)/g)];
      expect(
        rated.map(([, , words]) => words),
        text,
      ).toEqual(['Good luck!', 'Good luck!']);
    },
  );
});
