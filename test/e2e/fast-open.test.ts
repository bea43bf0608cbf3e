/**
 * Fast Open with the kernel at the other end (net.ipv4.tcp_fastopen and its cookies hold for one
 * namespace).
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SeededRandom } from '../../src/base/random.js';
import { Address } from '../../src/ip/address.js';
import { FastOpenCookies } from '../../src/stack/tcp/fast-open-cookie.js';
import {
  describeWithTun,
  fieldsOf,
  inNamespace,
  lab,
  ROOT,
  scratch,
  STACK,
  wrongIn,
} from './lab.js';
import { needs } from '../tools/needs.js';

const module = (path: string): string => JSON.stringify(join(ROOT, 'dist', path));
const OURS = { 4: '198.18.0.2', 6: 'fd74:6370:6c61:62::2' } as const;
const KERNEL = { 4: '198.18.0.1', 6: 'fd74:6370:6c61:62::1' } as const;
/**
 * Of each SYN and SYN,ACK: flags, bytes of data, ACK number, whether it asks for a cookie, the
 * cookie.
 */
const handshakes = (file: string): Promise<string[]> =>
  fieldsOf(
    file,
    'tcp.flags.syn == 1',
    'tcp.flags.ack',
    'tcp.len',
    'tcp.ack',
    'tcp.options.tfo.request',
    'tcp.options.tfo.cookie',
  );
const parse = (
  row: string,
): { isAnswer: boolean; length: number; ack: number; asks: boolean; cookie: string } => {
  const [answer, length, ack, request, cookie] = row.split('\t') as [
    string,
    string,
    string,
    string,
    string,
  ];
  const isAnswer = answer === '1' || answer === 'True';
  return { isAnswer, length: Number(length), ack: Number(ack), asks: request !== '', cookie };
};

describeWithTun('Fast Open with the kernel', () => {
  const dir = scratch();

  it.each([4, 6] as const)(
    'curl --tcp-fastopen gets a cookie from us, and then sends its request with the SYN, IPv%i',
    async (version) => {
      needs('tshark');
      const file = join(dir, `curl-${version}.pcapng`);
      const curl = `curl -sS --globoff --noproxy '*' --max-time 100 --tcp-fastopen http://${STACK[version]}/bytes/1000 | wc -c`;
      const script =
        `sysctl -qw net.ipv4.tcp_fastopen=1; ${curl}; ${curl}; nstat -az ` +
        `TcpExtTCPFastOpenActive | awk 'NR > 1 { print $2 }'`;
      const { stdout, stderr } = await lab(script, ['--fast-open', '--pcap', file]);
      expect(stdout, stderr).toBe('1000\n1000\n1\n');
      const [first, granted, second, taken, ...more] = (await handshakes(file)).map(parse);
      expect(first).toMatchObject({ isAnswer: false, length: 0, asks: true });
      expect(granted).toMatchObject({ isAnswer: true, ack: 1 });
      expect(granted!.cookie).toMatch(/^[0-9a-f]{16}$/);
      expect(second).toMatchObject({ isAnswer: false, cookie: granted!.cookie });
      expect(second!.length).toBeGreaterThan(50);
      expect(taken).toMatchObject({
        isAnswer: true,
        ack: 1 + second!.length,
        asks: false,
        cookie: '',
      });
      expect(more).toEqual([]);
      expect(await fieldsOf(file, 'tcp.analysis.retransmission', 'frame.number')).toEqual([]);
      expect(await wrongIn(file)).toBe('');
    },
  );

  it.each([4, 6] as const)(
    'our client gets a cookie from the kernel, and then sends data with its SYN, IPv%i',
    async (version) => {
      needs('tshark');
      const file = join(dir, `ours-${version}.pcapng`);
      const client = [
        `import { openLabHost } from ${module('lab/cli/lab-host.js')}`,
        `import { netOf } from ${module('node/net.js')}`,
        `const lab = await openLabHost({ tun: 'tcplab0', offload: true, driver: 'native', ` +
          `profile: 'linux', quiet: true, pcap: '${file}' })`,
        `console.log('up')`,
        `for (const text of ['one', 'two', 'three']) {`,
        `  const socket = netOf(lab.host).connect({ host: '${KERNEL[version]}', port: 9000, ` +
          'fastOpen: true })',
        `  socket.end(text)`,
        `  let answer = ''`,
        `  for await (const chunk of socket) answer += chunk`,
        `  console.log(answer, socket.conn.fastOpen.synData)`,
        `}`,
        `console.log(lab.host.stack.counters.TcpExtTCPFastOpenActive)`,
        `lab.close()`,
      ].join('\n');
      const perl = [
        'use Socket qw(:all); $| = 1; socket(L, PF_INET6, SOCK_STREAM, 0); setsockopt(L, ' +
          'SOL_SOCKET, SO_REUSEADDR, 1)',
        'setsockopt(L, IPPROTO_IPV6, IPV6_V6ONLY, 0); bind(L, pack_sockaddr_in6(9000, ' +
          'inet_pton(AF_INET6, "::"))) or die $!',
        'setsockopt(L, 6, 23, pack("i", 5)) or die $!; listen(L, 5); print "listening\\n"',
        'for (1 .. 3) { accept(S, L); local $/; my $text = <S>; print S "heard $text"; close S }',
      ].join('; ');
      const { stdout, stderr } = await inNamespace(
        [
          `d=$(mktemp -d); trap 'rm -rf $d' EXIT; cat > $d/client.mjs << 'END'\n${client}\nEND`,
          'sysctl -qw net.ipv4.tcp_fastopen=3 ' +
            'net.ipv4.tcp_fastopen_key=00010203-04050607-08090a0b-0c0d0e0f',
          `perl -e '${perl}' > $d/out & server=$!; until grep -q listening $d/out; do sleep ` +
            '0.02; done',
          `${process.execPath} $d/client.mjs; wait $server`,
        ].join('\n'),
      );
      expect(stdout, stderr).toBe('up\nheard one 0\nheard two 3\nheard three 5\n2\n');
      const rows = (await handshakes(file)).map(parse);
      expect(rows.map((r) => [r.isAnswer, r.length, r.ack])).toEqual([
        [false, 0, 0],
        [true, 0, 1],
        [false, 3, 0],
        [true, 0, 4],
        [false, 5, 0],
        [true, 0, 6],
      ]);
      expect([rows[0]!.asks, rows[2]!.cookie, rows[4]!.cookie]).toEqual([
        true,
        rows[1]!.cookie,
        rows[1]!.cookie,
      ]);
      // With the same key our server makes the same cookie.
      const cookies = new FastOpenCookies(new SeededRandom(1));
      cookies.setKeys(Uint8Array.from([3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12]));
      cookies.about(Address.parse(OURS[version]), Address.parse(KERNEL[version]));
      expect(Buffer.from(cookies.make(0)).toString('hex')).toBe(rows[1]!.cookie);
      expect(await wrongIn(file)).toBe('');
    },
  );
});
