/** Urgent data to and from the kernel: send(2) and recv(2) with MSG_OOB, in perl. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithTun, fieldsOf, inNamespace, ROOT, scratch, wrongIn } from './lab.js';
import { needs } from '../tools/needs.js';

const module = (path: string): string => JSON.stringify(join(ROOT, 'dist', path));

describeWithTun('urgent data', () => {
  const dir = scratch();

  it("the kernel's urgent byte stays in its place in our stream, and is explained", async () => {
    const perl = [
      'use Socket; socket(S, PF_INET, SOCK_STREAM, 0)',
      'connect(S, pack_sockaddr_in(7, inet_aton("198.18.0.2"))) or die $!',
      'send(S, "abc", 0); send(S, "de", MSG_OOB); send(S, "fg", 0); shutdown(S, 1)',
      'local $/; print <S>',
    ].join('; ');
    const { stdout, stderr } = await inNamespace(
      [
        `d=$(mktemp -d); trap 'rm -rf $d' EXIT; $TCPLAB serve echo --tun tcplab0 --why --log ` +
          '$d/log > $d/out & server=$!',
        `until grep -q ^ready $d/out; do sleep 0.02; done; perl -e '${perl}'; echo; kill ` +
          '$server; wait $server; cat $d/log',
      ].join('\n'),
    );
    expect(stdout.split('\n')[0], stderr).toBe('abcdefg');
    expect(stdout).toMatch(/\[P\.U\] .* urg=\d/);
    expect(stdout).toMatch(/URG: the last urgent byte is \d bytes? ahead of the reader/);
  });

  it("the kernel's program gets our urgent byte out of line, and the rest in line", async () => {
    needs('tshark');
    const file = join(dir, 'ours.pcapng');
    const client = [
      `import { openLabHost } from ${module('lab/cli/lab-host.js')}`,
      `import { netOf } from ${module('node/net.js')}`,
      `const lab = await openLabHost({ tun: 'tcplab0', offload: true, driver: 'native', ` +
        `profile: 'linux', quiet: true, pcap: '${file}' })`,
      `console.log('up')`,
      `const s = netOf(lab.host).connect({ host: '198.18.0.1', port: 9000 })`,
      `s.on('connect', () => { s.write('one '); s.writeUrgent(Buffer.from('two!')); ` +
        `setTimeout(() => s.end(' three'), 300); })`,
      `s.on('close', () => lab.close())`,
      `s.resume()`,
    ].join(';\n');
    const perl = [
      'use Socket; $| = 1; socket(L, PF_INET, SOCK_STREAM, 0); setsockopt(L, SOL_SOCKET, ' +
        'SO_REUSEADDR, 1)',
      'bind(L, pack_sockaddr_in(9000, INADDR_ANY)); listen(L, 1); print "listening\\n"',
      'accept(S, L); my $r = ""; vec($r, fileno(S), 1) = 1; select(undef, undef, my $e = $r, 20)',
      'recv(S, my $byte, 1, MSG_OOB); print "urgent $byte\\n"; local $/; print "line ", <S>, "\\n"',
    ].join('; ');
    const { stdout, stderr } = await inNamespace(
      [
        `d=$(mktemp -d); trap 'rm -rf $d' EXIT; cat > $d/client.mjs << 'END'\n${client}\nEND`,
        `perl -e '${perl}' > $d/out & server=$!; until grep -q listening $d/out; do sleep ` +
          '0.02; done',
        `${process.execPath} $d/client.mjs; wait $server; cat $d/out`,
      ].join('\n'),
    );
    expect(stdout, stderr).toBe('up\nlistening\nurgent !\nline one two three\n');
    expect(
      await fieldsOf(file, 'tcp.flags.urg == 1 && ip.src == 198.18.0.2', 'tcp.urgent_pointer'),
    ).not.toEqual([]);
    expect(await wrongIn(file)).toBe('');
  });
});
