/**
 * Explicit congestion notification with the kernel at the other end (net.ipv4.tcp_ecn holds for one
 * namespace), and a link that marks.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithTun, fieldsOf, inNamespace, lab, scratch, STACK, wrongIn } from './lab.js';
import { needs } from '../tools/needs.js';

const SIZE = 2_000_000;
const KERNEL = { 4: '198.18.0.1', 6: 'fd74:6370:6c61:62::1' } as const;
const marking = (seed = 7): string[] => ['--mark', '3%', '--delay', '2ms', '--seed', `${seed}`];
/** The TCP flags and ECN fields that occurred in each direction. */
async function seenIn(file: string, version: 4 | 6): Promise<Set<string>> {
  const [source, ecn] =
    version === 4 ? ['ip.src', 'ip.dsfield.ecn'] : ['ipv6.src', 'ipv6.tclass.ecn'];
  const rows = await fieldsOf(file, 'tcp', source, ecn, 'tcp.flags.str', 'tcp.len');
  return new Set(
    rows.map((row) => {
      const [from, field, flags, length] = row.split('\t') as [string, string, string, string];
      const letters = [...flags].filter((c) => 'CESF'.includes(c)).join('');
      const who = from === KERNEL[version] ? 'kernel' : 'us';
      return (
        `${who} ${letters}${length === '0' ? '' : ' data'} ` +
        `${['not-ECT', 'ECT(1)', 'ECT(0)', 'CE'][Number(field)]!}`
      );
    }),
  );
}
const counters = "nstat -az TcpExtTCPDeliveredCE IpExtInCEPkts | awk 'NR > 1 { print ($2 > 0) }'";

describeWithTun('ECN with the kernel', () => {
  const dir = scratch();

  it('the kernel requests ECN: marks in both directions are echoed and answered', async () => {
    needs('tshark');
    const file = join(dir, 'kernel-asks.pcapng');
    const url = `http://${STACK[4]}`;
    const script = [
      'sysctl -qw net.ipv4.tcp_ecn=1',
      `head -c ${SIZE} /dev/zero | curl -sS --max-time 100 -T - ${url}/upload | cut -d ' ' -f 1`,
      `curl -sS --max-time 100 ${url}/bytes/${SIZE} | wc -c`,
      counters,
    ].join('; ');
    const { stdout, stderr } = await lab(script, [...marking(), '--pcap', file]);
    // The kernel got echoes of marks on its data, and saw marks on ours.
    expect(stdout, stderr).toBe(`${SIZE}\n${SIZE}\n1\n1\n`);
    const seen = await seenIn(file, 4);
    for (const line of [
      'kernel CES not-ECT',
      'us ES not-ECT',
      'us  data CE', // the capture is behind the link
      'kernel E not-ECT',
      'us C data ECT(0)',
      'us E not-ECT',
      'kernel C data ECT(0)',
    ]) {
      expect([...seen]).toContain(line);
    }
    // Section 6.1: packets without new data are never ECT.
    expect([...seen].filter((line) => !line.includes('data') && !line.endsWith('not-ECT'))).toEqual(
      [],
    );
    expect(await wrongIn(file)).toBe('');
  });

  it.each([
    [2, 4, true],
    [2, 6, true],
    [0, 4, false],
  ] as const)(
    'we request ECN, and the kernel with tcp_ecn=%i over IPv%i agrees: %s',
    async (mode, version, agrees) => {
      needs('tshark');
      const file = join(dir, `we-ask-${mode}-${version}.pcapng`);
      const server =
        `require('net').createServer({allowHalfOpen:true},(s)=>{const c=[];` +
        `s.on('data',(d)=>c.push(d));s.on('end',()=>s.end(Buffer.concat(c)));})` +
        `.listen(9000,'::',()=>console.log('up'))`;
      const script = (seed: number): string =>
        [
          `d=$(mktemp -d); trap 'rm -rf $d' EXIT; sysctl -qw net.ipv4.tcp_ecn=${mode}`,
          `${process.execPath} -e "${server}" > $d/out & server=$!; until grep -q up $d/out; ` +
            'do sleep 0.02; done',
          `head -c ${SIZE} /dev/urandom > $d/sent`,
          `$TCPLAB connect --tun tcplab0 --ecn 1 ${marking(seed).join(' ')} --pcap ${file} ` +
            `${KERNEL[version]} 9000 < $d/sent > $d/back; echo "code $?"`,
          'kill $server; cmp $d/sent $d/back && echo same',
        ].join('\n');
      let seen: string[] = [];
      // What is not ECT the link loses instead of marking it. A SYN that is sent again asks no more
      // (RFC 3168 section 6.1.1.1): then another seed must show it.
      for (const seed of [7, 8, 9, 10]) {
        const { stdout, stderr } = await inNamespace(script(seed));
        expect(stdout, stderr).toBe('code 0\nsame\n');
        seen = [...(await seenIn(file, version))];
        if (!seen.includes('us S not-ECT')) break;
      }
      expect(seen).toContain('us CES not-ECT');
      if (agrees) {
        expect(seen).toContain('kernel ES not-ECT');
        // Both sides heard of marks and say so on new data: which may be marked itself, and may
        // echo the other's mark.
        for (const side of ['us', 'kernel'])
          expect(seen.join('\n')).toMatch(
            new RegExp(`^${side} C[EPF]* data (ECT\\(0\\)|CE)$`, 'm'),
          );
      } else {
        expect(seen).toContain('kernel S not-ECT');
        expect(seen.filter((line) => !line.endsWith('not-ECT'))).toEqual([]);
      }
      expect(seen.filter((line) => !line.includes('data') && !line.endsWith('not-ECT'))).toEqual(
        [],
      );
      expect(await wrongIn(file)).toBe('');
    },
  );
});
