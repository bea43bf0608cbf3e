/** Our side as client and as nc: the kernel's servers, both closing orders, and errors. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithTun, fieldsOf, inNamespace, MAIN, run, scratch, wrongIn } from './lab.js';
import { needs } from '../tools/needs.js';

/** Waits in bash until a file contains a text, for example that a server is up. */
const until = (what: string, file: string): string =>
  `until grep -q '${what}' ${file} 2>/dev/null; do sleep 0.02; done`;
const CONNECT = '$TCPLAB connect --tun tcplab0';
/** `nc -l` in the background, and its process id in $server. */
const serve = (args: string): string =>
  `nc -nv -l ${args} 2> $d/nc & server=$!; ${until('Listening', '$d/nc')}`;
/** The kernel as a router, which sends ICMP errors. */
const ROUTER = 'sysctl -qw net.ipv4.ip_forward=1; ip link set lo up';
const inScratch = (script: string, seconds?: number): ReturnType<typeof inNamespace> =>
  inNamespace(`d=$(mktemp -d); trap 'rm -rf $d' EXIT; ${script}`, seconds);

/** The sender of the first FIN of a capture. */
const firstToClose = async (file: string): Promise<string | undefined> =>
  (await fieldsOf(file, 'tcp.flags.fin == 1', 'ip.src'))[0];

describeWithTun('tcplab connect', () => {
  const dir = scratch();

  it('talks to nc -l; we close first', async () => {
    needs('nc', 'tshark');
    const file = join(dir, 'ours.pcapng');
    const { code, stdout, stderr } = await inScratch(
      `${serve('9000 > $d/got')}; mkfifo $d/in; (echo hello from us; until grep -q hello ` +
        `$d/got; do sleep 0.02; done) > $d/in & ${CONNECT} --pcap ${file} 198.18.0.1 9000 < ` +
        '$d/in; echo "code $?"; wait $server; cat $d/got',
    );
    expect(stdout, stderr).toBe('code 0\nhello from us\n');
    expect(code).toBe(0);
    expect(await firstToClose(file)).toBe('198.18.0.2');
    expect(await wrongIn(file)).toBe('');
  });

  it('talks to nc -l; the kernel closes first, and we still send our data', async () => {
    needs('nc', 'tshark');
    const file = join(dir, 'theirs.pcapng');
    const late = `(${until('CLOSE-WAIT', '$d/log')}; echo late)`;
    const { stdout, stderr } = await inScratch(
      `echo hello from the kernel > $d/in; ${serve('-N 9000 < $d/in > $d/got')}; ${late} | ` +
        `${CONNECT} --why --log $d/log --pcap ${file} 198.18.0.1 9000; echo "code $?"; wait ` +
        '$server; cat $d/got',
    );
    expect(stdout, stderr).toBe('hello from the kernel\ncode 0\nlate\n');
    expect(await firstToClose(file)).toBe('198.18.0.1');
    expect(await wrongIn(file)).toBe('');
  });

  it('moves ten megabytes each way to and from a Node server, over IPv6', async () => {
    const server =
      `require('net').createServer({allowHalfOpen:true},(s)=>{const c=[];` +
      `s.on('data',(d)=>c.push(d));s.on('end',()=>s.end(Buffer.concat(c)));})` +
      `.listen(9000,'::',()=>console.log('up'))`;
    const script =
      `${process.execPath} -e "${server}" > $d/out & server=$!; ${until('up', '$d/out')}; head ` +
      `-c 10000000 /dev/urandom > $d/sent; ${CONNECT} fd74:6370:6c61:62::1 9000 < $d/sent > ` +
      '$d/back; echo "code $?"; kill $server; cmp $d/sent $d/back && echo same';
    const { stdout, stderr } = await inScratch(script);
    expect(stdout, stderr).toBe('code 0\nsame\n');
  });

  it('reports a refused port at once', async () => {
    const { stdout, stderr } = await inScratch(
      `${CONNECT} 198.18.0.1 9000 < /dev/null; echo "code $?"`,
    );
    expect(stdout).toBe('code 1\n');
    expect(stderr).toMatch(/connect ECONNREFUSED 198\.18\.0\.1:9000/);
  });

  it('ends an attempt in SYN-SENT when the kernel as router reports an unreachable host (RFC 5461)', async () => {
    const script =
      `${ROUTER}; ip route add unreachable 203.0.113.0/24; ${CONNECT} 203.0.113.1 80 < ` +
      '/dev/null; echo "code $?"';
    const { stdout, stderr } = await inScratch(script);
    expect(stdout).toBe('code 1\n');
    expect(stderr).toMatch(/connect EHOSTUNREACH 203\.0\.113\.1:80/);
  });

  it('keeps on trying through the same errors in the rfc profile (MUST-56)', async () => {
    const script =
      `${ROUTER}; ip route add unreachable 203.0.113.0/24; ${CONNECT} --why --log $d/log ` +
      '--profile rfc 203.0.113.1 80 < /dev/null & client=$!; ' +
      `${until('ICMP type 3', '$d/log')}; ${until('again', '$d/log')}; kill $client; wait ` +
      '$client; echo "code $?"';
    expect((await inScratch(script)).stdout).toBe('code 0\n');
  });

  it('ignores the same error in a synchronised state: the data arrives once the route works again', async () => {
    needs('nc');
    const script = [
      `${ROUTER}; ip address add 203.0.113.1/32 dev lo`,
      `${serve('9000 > $d/got')}; mkfifo $d/in; exec 3<> $d/in`,
      `${CONNECT} --why --log $d/log 203.0.113.1 9000 < $d/in 3>&- & client=$!`,
      `echo before >&3; ${until('before', '$d/got')}`,
      'ip address del 203.0.113.1/32 dev lo; ip route add unreachable 203.0.113.1',
      `echo during >&3; ${until('ICMP type 3, code 1', '$d/log')}`,
      'ip route del unreachable 203.0.113.1; ip address add 203.0.113.1/32 dev lo',
      `${until('during', '$d/got')}; exec 3>&-; wait $client; echo "code $?"; cat $d/got`,
    ].join('\n');
    const { stdout, stderr } = await inScratch(script);
    expect(stdout, stderr).toBe('code 0\nbefore\nduring\n');
  });

  it('fails with ETIMEDOUT after the given number of SYNs without a reply', async () => {
    needs('nc', 'tshark');
    for (const [host, options] of [
      ['198.18.0.9', ''],
      ['198.18.0.1', `--drop 'in:syn-ack:99'`],
    ] as const) {
      const file = join(dir, `silent-${host}.pcapng`);
      const { stdout, stderr } = await inScratch(
        `${serve('9000')}; ${CONNECT} --syn-retries 1 --pcap ${file} ${options} ${host} 9000 ` +
          '< /dev/null; echo "code $?"; kill $server',
      );
      expect(stdout).toBe('code 1\n');
      expect(stderr).toContain(`connect ETIMEDOUT ${host}:9000`);
      expect(await fieldsOf(file, 'tcp.flags == 2', 'ip.dst')).toEqual([host, host]);
    }
  });

  it('resolves names of /etc/hosts, and explains why others fail', async () => {
    const { code, stderr } = await run(process.execPath, [MAIN, 'connect', 'no.such.name', '80']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/no\.such\.name.*\/etc\/hosts/);
  });
});

describeWithTun('tcplab listen', () => {
  it("accepts one connection of the kernel's nc, both ways", async () => {
    needs('nc');
    const script =
      'echo from us | $TCPLAB listen --tun tcplab0 9000 > $d/got 2> $d/err & ours=$!; ' +
      `${until('listening', '$d/err')}; echo from the kernel | nc -N 198.18.0.2 9000; wait ` +
      '$ours; echo "code $?"; cat $d/got';
    const { stdout, stderr } = await inScratch(script);
    expect(stdout, stderr).toBe('from us\ncode 0\nfrom the kernel\n');
  });
});

describeWithTun('tcplab ping', () => {
  it('pings the kernel over both families, also with large packets', async () => {
    const script =
      '$TCPLAB ping --tun tcplab0 -c 2 -i 0.1 198.18.0.1 && $TCPLAB ping --tun tcplab0 -c 2 -i ' +
      '0.1 -s 20000 fd74:6370:6c61:62::1';
    const { code, stdout, stderr } = await inScratch(script);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/64 bytes from 198\.18\.0\.1: icmp_seq=1 ttl=64/);
    expect(stdout).toMatch(/20008 bytes from fd74:6370:6c61:62::1: icmp_seq=2/);
  });

  it('fails without a reply', async () => {
    const { code, stdout } = await inScratch('$TCPLAB ping --tun tcplab0 -c 1 198.18.0.77');
    expect(code).toBe(1);
    expect(stdout).toContain('1 packets transmitted, 0 received, 100% packet loss');
  });
});
