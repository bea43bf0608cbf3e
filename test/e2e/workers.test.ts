/**
 * `tcplab serve --workers`: the kernel distributes flows over the queues and keeps each on its
 * queue; packets without a flow still reach their stack.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithTun, fieldsOf, inNamespace, scratch, STACK } from './lab.js';
import { needs } from '../tools/needs.js';

// The files of the previous server also contain "ready".
const SERVE = (options = ''): string => `
rm -f out err
$TCPLAB serve --tun t0 --workers 3 -q --stats ${options} > out 2> err & serve=$!
for i in $(seq 200); do grep -q ready out && break; sleep 0.05; done`;
/**
 * A worker that ends leaves its queue, and what still comes for its connections goes to another's:
 * so first they end, the last ACK as well.
 */
const SETTLE = `
for i in $(seq 100); do
  [ -z "$(ss -Htn state connected exclude time-wait)" ] && break; sleep 0.05
done
sleep 0.5`;
const END = 'kill -TERM $serve; wait $serve; echo "exit $?"; cat err; ip -br link show t0 2>&1';

describeWithTun('three workers', () => {
  const dir = scratch();
  const run = (script: string): Promise<{ stdout: string; stderr: string }> =>
    inNamespace(`cd ${dir}; ${script}`);
  const shares = (said: string): { each: number[]; passed: number } => {
    const [, each, passed] =
      /connections of each worker: ([\d, ]+); packets passed on between them: (\d+)/.exec(said)!;
    return { each: each!.split(', ').map(Number), passed: Number(passed) };
  };

  it('share the connections, and every flow stays on its queue, even after the driver has forgotten it', async () => {
    needs('tshark');
    // The TUN driver forgets a flow after 3 s of inactivity; then its hash decides again.
    const { stdout, stderr } = await run(`${SERVE(`--pcap ${join(dir, 'w.pcapng')}`)}
for i in 1 2 3 4 5 6 7 8; do
  (exec 3<>/dev/tcp/${STACK[4]}/7
   for t in 1 2; do
     echo $i-$t >&3; read -r -t 5 line <&3; echo "$line"; [ $t = 1 ] && sleep 4
   done) & rest="$rest $!"
done
get() { curl -sS --max-time 100 http://$1/bytes/200000 | wc -c; }
for i in $(seq 30); do get ${STACK[4]}; done | sort | uniq -c
for i in $(seq 10); do get ${STACK[6]}; done | sort | uniq -c
wait $rest; ${SETTLE}; ${END}`);
    const said = stdout.split('\n').map((line) => line.trim());
    expect(said.slice(0, 30), stdout + stderr).toEqual(
      expect.arrayContaining(['30 200000', '10 200000', 'exit 0', '1-1', '8-1', '1-2', '8-2']),
    );
    const { each, passed } = shares(stdout);
    expect(each.reduce((a, b) => a + b)).toBe(48);
    expect(Math.min(...each)).toBeGreaterThan(0);
    expect(passed, stdout).toBe(0);
    expect(stdout).toContain('does not exist');
    // Each has its own capture, and no stream is in two of them.
    const streams = await Promise.all(
      [0, 1, 2].map((n) =>
        fieldsOf(
          join(dir, `w.${n}.pcapng`),
          'tcp.flags.syn == 1 && tcp.dstport != 65535',
          'ipv6.version',
          'tcp.port',
        ),
      ),
    );
    // Of IPv4 and IPv6 two may have the same ports.
    const flowOf = (line: string): string => {
      const [version, ports] = line.split('\t') as [string, string];
      return [version, ...ports.split(',').sort()].join();
    };
    const flows = streams.map((lines) => new Set(lines.map(flowOf)));
    expect(flows.reduce((sum, f) => sum + f.size, 0)).toBe(48);
    expect(new Set(flows.flatMap((f) => [...f])).size).toBe(48);
  });

  it('send only one answer: a closed port is refused, and an ICMP error reaches its connection', async () => {
    const { stdout, stderr } = await run(`${SERVE()}
sysctl -qw net.ipv4.ip_forward=1
unshare --net sleep 30 & far=$!
for i in $(seq 250); do
  [ "$(readlink /proc/$far/ns/net)" != "$(readlink /proc/$$/ns/net)" ] && break; sleep 0.02
done
ip link add v0 type veth peer name v1 netns $far
ip address add 198.18.1.1/24 dev v0; ip link set v0 mtu 1300 up
nsenter -t $far -n bash -c 'ip address add 198.18.1.2/24 dev v1; ip link set v1 up
  ip route add default via 198.18.1.1'
nsenter -t $far -n curl -sS --max-time 100 http://${STACK[4]}/bytes/300000 | wc -c
curl -sS --max-time 100 http://${STACK[4]}:81/ 2>&1
kill $far; ${END}`);
    expect(stdout, stderr).toContain('300000');
    expect(stdout).toMatch(/Failed to connect|Connection refused|Could not connect/);
    expect(stdout).toContain('exit 0');
    expect(shares(stdout).passed).toBeGreaterThanOrEqual(2);
    expect(stdout).toMatch(/TcpOutRsts +1 /);
  });

  it('a device with one queue is rejected, and so are conflicting options', async () => {
    const { stdout } = await run(`
ip tuntap add dev single mode tun
$TCPLAB serve --tun single --workers 2 -q 2>&1; echo "exit $?"
$TCPLAB serve --tun t0 --workers 2 --pcap - 2>&1; echo "exit $?"`);
    expect(stdout).toMatch(
      /single has one queue, and each worker needs one[\s\S]*up --multi-queue[\s\S]*exit 77/,
    );
    expect(stdout).toMatch(/--workers does not work with --pcap -[\s\S]*exit 2/);
    expect(existsSync(join(dir, '-'))).toBe(false);
  });
});
