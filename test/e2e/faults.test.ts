/**
 * Faults of the machine: the device is deleted, down, re-addressed, or its queue is full; the
 * process is stopped, killed, or short of memory or descriptors; the clock is set.
 * docs/robustness.md describes the results. Each test has its own network namespace, with
 * `tcplab serve` at one end and curl or bash at the other.
 */
import { expect, it } from 'vitest';
import {
  describeWithTun,
  inNamespace,
  scratch,
  STACK,
  MAIN,
  UNSHARE,
  run as runProgram,
} from './lab.js';

const URL = `http://${STACK[4]}`;
/**
 * Transfers are larger than what the kernel's buffers hold (newer ones grow to 32 MB, but not
 * here), so that they are under way when something happens. `start [OPTIONS]` serves on t0, as the
 * process $serve; `end` ends it and prints what it said.
 */
const KIT = `
echo '4096 131072 6291456' > /proc/sys/net/ipv4/tcp_rmem
ready() { for i in $(seq 200); do grep -q ready out && break; sleep 0.05; done; }
start() { $TCPLAB serve --tun t0 -q --stats "$@" > out 2> err & serve=$!; ready; }
end() { kill -TERM $serve; wait $serve; echo "exit $?"; cat err; }
get() { curl -sS --max-time 100 "$@" 2>&1 | wc -c; }
put() {
  head -c $1 /dev/zero | curl -sS --max-time 100 \${2:-} \${3:-} -T - ${URL}/upload |
    cut -d ' ' -f 1
}
`;
const count = (said: string, name: string): number =>
  Number(new RegExp(`^${name} +(\\d+)`, 'm').exec(said)?.[1] ?? 0);

describeWithTun('while connections run', () => {
  const dir = scratch();
  const run = async (script: string): Promise<string> => {
    const { stdout, stderr } = await inNamespace(`cd ${dir}; rm -rf *; ${KIT}${script}`);
    return stdout + stderr;
  };
  /** With a disk of 16 KB at `small`. */
  const runOnSmallDisk = async (script: string): Promise<string> => {
    const disk = 'mkdir small; mount -t tmpfs -o size=16k none small';
    const command = [
      ...UNSHARE,
      '--mount',
      'bash',
      '-c',
      `cd ${dir}; rm -rf *; ${KIT}${disk}\n${script}`,
    ];
    const env = { ...process.env, TCPLAB: `${process.execPath} ${MAIN}` };
    const { stdout, stderr } = await runProgram('unshare', command, 50, { env });
    expect(stdout, stderr).toMatch(/^300000\n3000\nexit 0\n/);
    return stdout;
  };

  it('the device is deleted: the server reports it and ends at once', async () => {
    const said = await run(`start
curl -sS --max-time 1 --limit-rate 1M ${URL}/bytes/20000000 -o /dev/null 2> /dev/null & peer=$!
sleep 0.4; ip link delete t0
wait $serve; echo "exit $?"; cat err; wait $peer`);
    expect(said).toMatch(/exit 1\n/);
    expect(said).toContain('the device t0 was deleted');
  });

  it('the device is down for a while: transfers continue when it is up again', async () => {
    const said = await run(`start
get --limit-rate 8M ${URL}/bytes/20000000 & peer=$!
sleep 0.4; ip link set t0 down; sleep 0.7; ip link set t0 up
wait $peer; get ${URL}/bytes/1000; end`);
    expect(said).toMatch(/^20000000\n1000\nexit 0\n/);
    // Data in flight is retransmitted once: the send buffer holds at most some 700 segments.
    expect(count(said, 'TcpRetransSegs')).toBeLessThan(1500);
  });

  it('the kernel gets another address: new connections work, and old ones once theirs is back', async () => {
    const said = await run(`start
get --limit-rate 8M ${URL}/bytes/20000000 & peer=$!
sleep 0.4; ip address del 198.18.0.1/24 dev t0; ip address add 198.18.0.3/24 dev t0
get ${URL}/bytes/1000; ip address add 198.18.0.1/24 dev t0
wait $peer; end`);
    expect(said).toMatch(/^1000\n20000000\nexit 0\n/);
  });

  it("the kernel's queue is full most of the time: dropped packets are retransmitted", async () => {
    const said = await run(`start
ip link set t0 txqueuelen 2
put 20000000; ip -s link show t0 | tail -1; end`);
    const [bytes, numbers] = said.split('\n');
    expect(bytes).toBe('20000000');
    expect(Number(numbers!.trim().split(/ +/)[3]), `dropped: ${numbers!}`).toBeGreaterThan(0);
    expect(said).toContain('exit 0');
  });

  it('the process is stopped for longer than its timers: both directions complete, without a storm of retransmissions', async () => {
    const said = await run(`start
get --limit-rate 8M ${URL}/bytes/20000000 & down=$!
put 20000000 --limit-rate 8M & up=$!
sleep 0.5; kill -STOP $serve; sleep 2.5; kill -CONT $serve
wait $down $up; end`);
    expect(said.split('\n').slice(0, 2)).toEqual(['20000000', '20000000']);
    expect(said).toContain('exit 0');
    expect(count(said, 'TcpExtTCPTimeouts')).toBeLessThanOrEqual(1);
    expect(count(said, 'TcpRetransSegs')).toBeLessThan(20);
  });

  it('the wall clock jumps by days in both directions: no effect', async () => {
    const said = await run(`cat > jump.mjs <<'JUMP'
const real = Date.now;
let calls = 0;
Date.now = () => real() + (calls++ % 2 ? 1e9 : -1e9);
JUMP
export NODE_OPTIONS="--import=$PWD/jump.mjs"; start --loss 5% --seed 3; unset NODE_OPTIONS
get ${URL}/bytes/3000000; put 3000000; end`);
    expect(said).toMatch(/^3000000\n3000000\nexit 0\n/);
    expect(count(said, 'TcpRetransSegs')).toBeGreaterThan(10);
    expect(count(said, 'TcpExtTCPTimeouts')).toBeLessThan(count(said, 'TcpRetransSegs') / 2);
  });

  it('with a small heap and 60 transfers, 20 of them to peers that do not read, all others complete', async () => {
    const said = await run(`export NODE_OPTIONS='--max-old-space-size=32 --max-semi-space-size=1'
start; unset NODE_OPTIONS
reads_little() { curl -sS --max-time 3 --limit-rate 1 $1 -o /dev/null 2>/dev/null; }
for i in $(seq 20); do reads_little ${URL}/bytes/200000000 & all="$all $!"; done
for i in $(seq 20); do
  (put 5000000 >> got) & all="$all $!"
  (get ${URL}/bytes/5000000 >> got) & all="$all $!"
done
wait $all; sort got | uniq -c; end`);
    expect(said.trim()).toMatch(/^40 5000000\nexit 0/);
  });

  it('descriptors are used up: connections need none, a file gets 503 with advice, and later 200', async () => {
    const said = await run(`mkdir root; head -c 30000000 /dev/zero > root/file
start --http-root root
curl -sS --max-time 100 --limit-rate 15M -o /dev/null -w '%{http_code}\\n' ${URL}/file & first=$!
until ls -l /proc/$serve/fd | grep -q root/file; do sleep 0.02; done
free=0; while [ -L /proc/$serve/fd/$free ]; do free=$((free + 1)); done
prlimit --pid $serve --nofile=$free:4096
curl -sS --max-time 100 -w '%{http_code}\\n' ${URL}/file
for i in $(seq 20); do (get ${URL}/bytes/100000 >> got) & all="$all $!"; done
wait $first $all; sort got | uniq -c
curl -sS --max-time 100 -o /dev/null -w '%{http_code}\\n' ${URL}/file; rm -r root; end`);
    const [advice, ...after] = said.split('\n');
    expect(advice).toBe(
      'too many open files: raise the limit with `ulimit -n 65536` and start the server again',
    );
    expect(after.join('\n')).toMatch(/^503\n200\n +20 100000\n200\nexit 0/);
  });

  it('the disk is full with --pcap: one line reports it, the capture ends with a complete block, the stack continues', async () => {
    const stdout = await runOnSmallDisk(`start --pcap small/c.pcapng
get ${URL}/bytes/300000; get ${URL}/bytes/3000; end
size=$(stat -c %s small/c.pcapng); od -An -tu4 -j $((size - 4)) small/c.pcapng | tr -d ' '`);
    expect(
      stdout.match(/the disk is full \(ENOSPC\); the output ends here, the stack continues/g),
    ).toHaveLength(1);
    // The last four bytes are a block's length (pcapng), a multiple of 4 and no longer than the
    // file.
    const last = Number(stdout.trim().split('\n').pop());
    expect([last % 4, last > 0, last <= 16_384]).toEqual([0, true, true]);
  });

  it('the disk is full with --log: one line reports it, the log ends with a complete line, the stack continues', async () => {
    const stdout = await runOnSmallDisk(`
$TCPLAB serve --tun t0 --json --log small/lines > out 2> err & serve=$!; ready
get ${URL}/bytes/300000; get ${URL}/bytes/3000; end; wc -c < small/lines; tail -n 1 small/lines`);
    expect(
      stdout.match(
        /small\/lines: the disk is full \(ENOSPC\); the output ends here, the stack continues/g,
      ),
    ).toHaveLength(1);
    const [size, last] = stdout.trim().split('\n').slice(-2);
    expect(Number(size)).toBeGreaterThan(8000);
    expect(JSON.parse(last!)).toHaveProperty('name');
  });

  it('the reader of a capture in a pipe is stopped: the stack continues, and reports what was left out', async () => {
    const said =
      await run(`mkfifo packets; (echo $BASHPID > reader; exec cat < packets > got) & cat=$!
$TCPLAB serve --tun t0 -q --pcap - > packets 2> err & serve=$!
for i in $(seq 200); do grep -q ready err && break; sleep 0.05; done; kill -STOP $(cat reader)
get ${URL}/bytes/20000000; get ${URL}/bytes/20000000
kill -CONT $(cat reader); kill -TERM $serve; wait $serve; echo "exit $?"; wait $cat; cat err
size=$(stat -c %s got); od -An -tu4 -j $((size - 4)) got | tr -d ' '`);
    expect(said).toMatch(/^20000000\n20000000\nexit 0\n/);
    expect(said.match(/… \d+ packets left out: standard output was not read/g)).toHaveLength(1);
    // It ends with a complete block.
    const last = Number(said.trim().split('\n').pop());
    expect([last % 4, last > 0, last < 70_000]).toEqual([0, true, true]);
  });

  it('a reader of a capture in a pipe gets all of it, also of a bulk transfer', async () => {
    // Less than may be queued for a reader, because it may not run for a while on a busy machine.
    const said = await run(`mkfifo packets; cat < packets > got & cat=$!
$TCPLAB serve --tun t0 -q --pcap - > packets 2> err & serve=$!
for i in $(seq 200); do grep -q ready err && break; sleep 0.05; done
get ${URL}/bytes/12000000; kill -TERM $serve; wait $serve; echo "exit $?"
wait $cat; cat err; stat -c %s got`);
    expect(said).toMatch(/^12000000\nexit 0\n/);
    expect(said).not.toContain('left out');
    expect(Number(said.trim().split('\n').pop())).toBeGreaterThan(12_000_000);
  });

  /** curl has sent its request. */
  const ASKED = "grep -q '^> ' asked";
  const ACKNOWLEDGED = '\\d+ bytes of the answer were acknowledged';
  it.each([
    [
      'reset in a download',
      '--limit-rate 1M ${URL}/bytes/20000000',
      '[ -s got ]',
      new RegExp(
        'reset the connection \\(ECONNRESET\\) in the middle of GET /bytes/20000000: ' +
          `${ACKNOWLEDGED}; its body has 20000000\\n`,
      ),
    ],
    [
      'killed during a slow page',
      '${URL}/slow',
      ASKED,
      new RegExp(`(closed|reset) the connection .*in the middle of GET /slow: ${ACKNOWLEDGED}\\n`),
    ],
    [
      'cut off in an upload',
      '--limit-rate 1M -T big ${URL}/upload',
      ASKED,
      /closed the connection in the middle of PUT \/upload: \d+ bytes of 20000000 came\n/,
    ],
  ])(
    'a client is %s: one line reports client, error and progress, and the next one is served',
    async (_what, args, isUnderWay, line) => {
      const said = await run(`head -c 20000000 /dev/zero > big; start
curl -sv --max-time 100 ${args.replace('${URL}', URL)} -o got 2> asked & peer=$!
until ${isUnderWay}; do sleep 0.05; done; sleep 0.5; { kill -9 $peer; wait $peer; } 2> /dev/null
until grep -q 'tcplab: http: ' err; do sleep 0.05; done; get ${URL}/bytes/1000; end`);
      expect(said).toMatch(/^1000\nexit 0\n/);
      expect(said.match(/tcplab: http: 198\.18\.0\.1:\d+ .*\n/g)).toEqual([
        expect.stringMatching(line),
      ]);
    },
  );

  it('a client leaves between the requests of a keep-alive connection: one line after a RST, none after a FIN', async () => {
    const said = await run(`start
ask() { printf 'GET /bytes/10 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n' >&3; }
exec 3<>/dev/tcp/${STACK[4]}/80; ask
while read -r -t 5 line <&3; do [ "$line" = $'\\r' ] && break; done
read -r -N 9 -t 5 line <&3; exec 3>&-
exec 3<>/dev/tcp/${STACK[4]}/80; ask; sleep 0.3; exec 3>&-
until grep -q 'tcplab: http: ' err; do sleep 0.05; done; get ${URL}/bytes/1000; end`);
    expect(said).toMatch(/^1000\nexit 0\n/);
    expect(said.match(/tcplab: http: .*\n/g)).toEqual([
      expect.stringMatching(
        /198\.18\.0\.1:\d+ reset the connection \(ECONNRESET\) between requests, after 1 request\n/,
      ),
    ]);
  });

  it('many clients leave at once: most of them are only counted, in one line', async () => {
    const said = await run(`start
for i in $(seq 40); do exec {fd}<>/dev/tcp/${STACK[4]}/7; echo hello >&$fd; all="$all $fd"; done
sleep 0.5
for fd in $all; do exec {fd}>&-; done; until grep -q '… and' err; do sleep 0.05; done; end`);
    const told = said.match(
      /echo: .* reset the connection \(ECONNRESET\): it had sent 6 bytes and acknowledged 6 bytes/g,
    )!;
    const more = [...said.matchAll(/… and (\d+) more clients? in that second/g)].map((m) =>
      Number(m[1]),
    );
    expect(told.length + more.reduce((a, b) => a + b, 0)).toBe(40);
  });

  it('the reader of standard error is stopped: the stack continues, and reports later what was left out', async () => {
    const said = await run(`mkfifo lines; (echo $BASHPID > reader; exec cat < lines > got) &
$TCPLAB serve --tun t0 --json > out 2> lines & serve=$!
for i in $(seq 200); do grep -q ready out && break; sleep 0.05; done; kill -STOP $(cat reader)
get ${URL}/bytes/20000000; get ${URL}/bytes/20000000
kill -CONT $(cat reader)
until [ "$(get ${URL}/bytes/10)" = 10 ] && grep -q 'left out: standard error was not read' got
do sleep 0.05; done
kill -TERM $serve; wait $serve; echo "exit $?"`);
    expect(said).toMatch(/^20000000\n20000000\nexit 0\n/);
  });

  it('SIGTERM during transfers: peers get a RST, and the device is removed', async () => {
    const said = await run(`start
curl -sS --max-time 100 --limit-rate 1M ${URL}/bytes/20000000 -o /dev/null 2> heard & peer=$!
sleep 0.4; end; wait $peer; echo "curl $?"; cat heard; ip link show t0 2>&1`);
    expect(said).toMatch(/^exit 0\n/);
    expect(said).toMatch(/curl 56\n.*reset by peer/);
    expect(said).toContain('does not exist');
  });

  it('kill -9 and restart: a connected peer gets a RST when it sends, and new connections work', async () => {
    const said = await run(`ip tuntap add dev t0 mode tun vnet_hdr
ip address add 198.18.0.1/24 dev t0; ip link set t0 up
start
exec 3<>/dev/tcp/${STACK[4]}/7; echo hello >&3; read -r -t 3 line <&3; echo "$line"
{ kill -9 $serve; wait $serve; } 2> /dev/null; echo "exit $?"; rm out; start
ip -br address show t0 | grep -c 198.18.0.1/24
echo again >&3; read -r -t 5 line <&3 2>&1; echo "read $?"
exec 4<>/dev/tcp/${STACK[4]}/7; echo new >&4; read -r -t 3 line <&4; echo "$line"; end
ip link delete t0; rm out; start; { kill -9 $serve; wait $serve; } 2> /dev/null
ip link show t0 2>&1`);
    expect(said).toMatch(/^hello\nexit 137\n1\n[^\n]*reset by peer\nread 1\nnew\nexit 0\n/);
    expect(said, 'its own device disappears with the process').toContain('does not exist');
  });
});
