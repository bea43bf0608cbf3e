/**
 * Path MTU discovery with the kernel: as the router on the path, which sends ICMP errors, and as
 * the peer, which has to accept ours.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithTun, fieldsOf, lab, scratch, STACK, wrongIn } from './lab.js';
import { needs } from '../tools/needs.js';

const SIZE = 3_000_000;
const versions = [4, 6] as const;
const V6 = 'fd74:6370:6c61';

/**
 * A second network, behind the kernel: its host $far has an MTU of 1500, and the way there one of
 * 1300.
 */
const NETWORK = `
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
unshare --net sleep 60 & far=$!; trap 'kill $far' EXIT
for i in $(seq 250); do
  [ "$(readlink /proc/$far/ns/net)" != "$(readlink /proc/$$/ns/net)" ] && break; sleep 0.02
done
ip link add v0 type veth peer name v1 netns $far
ip address add 198.18.1.1/24 dev v0; ip address add ${V6}:63::1/64 dev v0 nodad
ip link set v0 mtu 1300 up
nsenter -t $far -n bash -c '
  ip address add 198.18.1.2/24 dev v1; ip address add ${V6}:63::2/64 dev v1 nodad; ip link set v1 up
  ip route add default via 198.18.1.1; ip -6 route add default via ${V6}:63::1'
`;

describeWithTun('a kernel that forwards over a link of MTU 1300', () => {
  const dir = scratch();

  it.each(versions.flatMap((version) => [[version, true] as const, [version, false] as const]))(
    'sends an ICMP error, and we send no larger packets after it: IPv%i, super-segments %s',
    async (version, offload) => {
      needs('tshark');
      const file = join(dir, `forwarded-${version}-${String(offload)}.pcapng`);
      const script = `${NETWORK}
for i in 1 2; do nsenter -t $far -n curl -sS --max-time 100 http://${STACK[version]}/bytes/${SIZE} | wc -c; done`;
      const options = [...(offload ? [] : ['--no-offload']), '--pcap', file];
      const { stdout, stderr } = await lab(script, options);
      expect(stdout, stderr).toBe(`${SIZE}\n${SIZE}\n`);
      // What an error quotes is cut off, or has its checksum not completed yet: no fault of the
      // packet.
      const wrong = (await wrongIn(file))
        .split('\n')
        .filter((line) => !/Fragmentation needed|Packet Too Big/.test(line));
      expect(wrong).toEqual(['']);
      const errors = await fieldsOf(
        file,
        version === 4 ? 'icmp.type == 3 && icmp.code == 4' : 'icmpv6.type == 2',
        version === 4 ? 'icmp.mtu' : 'icmpv6.mtu',
      );
      // The first flight only; the second connection already uses the path MTU.
      expect(errors.length).toBeGreaterThan(0);
      expect(errors.length).toBeLessThanOrEqual(10);
      expect(new Set(errors)).toEqual(new Set(['1300']));
      const source =
        version === 4 ? `ip.src == ${STACK[4]}` : `ipv6.src == ${STACK[6].slice(1, -1)}`;
      const syns = await fieldsOf(file, `${source} && tcp.flags.syn == 1`, 'tcp.options.mss_val');
      expect(syns, 'we announce our own MSS').toEqual(
        version === 4 ? ['1460', '1460'] : ['1440', '1440'],
      );
      if (offload) return; // a capture has super-segments whole
      const long = await fieldsOf(file, `${source} && tcp && frame.len > 1300`, 'tcp.stream');
      expect(long.length).toBe(errors.length);
      expect(new Set(long)).toEqual(new Set(['0']));
    },
  );
});

describeWithTun('a link of ours with a hop of MTU 1300', () => {
  it.each(versions)('kernel and stack learn it, both ways: IPv%i', async (version) => {
    const url = `http://${STACK[version]}`;
    const to = STACK[version].replace(/[[\]]/g, '');
    const script = `
head -c ${SIZE} /dev/zero | curl -sS --max-time 100 -T - ${url}/upload | cut -d ' ' -f 1
curl -sS --max-time 100 ${url}/bytes/${SIZE} | wc -c
ip route get ${to} | grep -o 'mtu [0-9]*'`;
    const { stdout, stderr } = await lab(script, ['--path-mtu', '1300']);
    expect(stdout, stderr).toBe(`${SIZE}\n${SIZE}\nmtu 1300\n`);
  });

  it('both find a black hole by probing only', async () => {
    const url = `http://${STACK[4]}`;
    const script = `
sysctl -qw net.ipv4.tcp_mtu_probing=2
head -c ${SIZE} /dev/zero | curl -sS --max-time 100 -T - ${url}/upload | cut -d ' ' -f 1
curl -sS --max-time 100 ${url}/bytes/${SIZE} | wc -c`;
    const { stdout, stderr } = await lab(script, [
      '--path-mtu',
      '1300,blackhole',
      '--mtu-probing',
      '2',
      '--stats',
    ]);
    expect(stdout, stderr).toBe(`${SIZE}\n${SIZE}\n`);
    expect(stderr).toMatch(/TcpExtTCPMTUPSuccess +[1-9]/);
  });
});
