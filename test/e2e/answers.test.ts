/**
 * No answer is lost over a TUN: clients that half-close with the request, against our own services
 * and third-party servers.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { needs } from '../tools/needs.js';
import { describeWithTun, FULL, inNamespace, lab, ROOT, scratch, STACK } from './lab.js';

const TIMES = FULL ? 100 : 10;
const SECONDS = FULL ? 300 : 100;
const dir = scratch();
const root = join(dir, 'root');
mkdirSync(root);
writeFileSync(join(root, 'file.txt'), 'a file\n'.repeat(1000));

const PLACES = [4, 6].flatMap((version) =>
  [true, false].map((offload) => ({
    version: version as 4 | 6,
    offload,
    name: `IPv${version}, offloads ${offload ? 'on' : 'off'}`,
  })),
);

/** Counts how often a client got an answer that contains this. */
const counts = (name: string, client: string, answer: string): string =>
  `n=0; for i in $(seq ${TIMES}); do ${client} | grep -a '${answer}' > /dev/null && ` +
  `n=$((n+1)); done; echo "${name}: $n"`;

describeWithTun("tcplab's own services answer clients that half-close", () => {
  it.each(PLACES)(
    'nc -N and curl: a page, a file, an upload ($name)',
    async ({ version, offload }) => {
      needs('nc', 'curl');
      const host = STACK[version];
      const bare = host.replace(/[[\]]/g, '');
      const asks = (text: string): string => `printf '${text}' | nc -N -w 5 ${bare} 80`;
      const curl = `curl -sS --max-time 5 --globoff --noproxy '*'`;
      const put = `PUT /upload HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 5\\r\\n\\r\\nhello`;
      const script = [
        counts('page', asks('GET / HTTP/1.0\\r\\n\\r\\n'), '200 OK'),
        counts('file', asks('GET /file.txt HTTP/1.0\\r\\n\\r\\n'), 'a file'),
        counts('upload', asks(put), 'sha256'),
        counts('curl close', `${curl} -H 'Connection: close' http://${host}/file.txt`, 'a file'),
        counts('curl 1.0', `${curl} -0 http://${host}/file.txt`, 'a file'),
        counts('curl upload', `echo hello | ${curl} -T - http://${host}/upload`, 'sha256'),
      ].join('; ');
      const options = ['--http-root', root, ...(offload ? [] : ['--no-offload'])];
      const { stdout, stderr } = await lab(script, options, SECONDS);
      const names = ['page', 'file', 'upload', 'curl close', 'curl 1.0', 'curl upload'];
      expect(stdout.trim().split('\n'), stderr).toEqual(names.map((name) => `${name}: ${TIMES}`));
    },
    SECONDS * 1000,
  );
});

describeWithTun('third-party servers answer clients that half-close', () => {
  it.each(PLACES)(
    'node:http, Express, Fastify, ws, http2, https ($name)',
    async ({ version, offload }) => {
      needs('openssl');
      const host = STACK[version].replace(/[[\]]/g, '');
      const file = (name: string): string => `"${join(ROOT, 'test', 'e2e', name)}"`;
      const script = `
        ip link set lo up; ip tuntap add dev answers0 mode tun; ip link set answers0 up
        ip addr add 198.18.0.1/24 dev answers0
        ip -6 addr add fd74:6370:6c61:62::1/64 dev answers0 nodad
        coproc ${process.execPath} ${file('answers-server.mjs')} answers0 ${offload ? 'on' : 'off'}
        read -r ready <&\${COPROC[0]}
        ${process.execPath} ${file('answers-clients.mjs')} ${host} ${TIMES}
        exec {COPROC[1]}>&-; wait`;
      const { stdout, stderr } = await inNamespace(script, SECONDS);
      const names = [
        'http 1.1',
        'http 1.0',
        'http, Connection: close',
        'express',
        'fastify',
        'ws',
        'http2',
        'https',
      ];
      expect(stdout.trim().split('\n'), stderr).toEqual(
        [...names, 'http2 over TLS'].map((name) => `${name}: ${TIMES}`),
      );
    },
    SECONDS * 1000,
  );
});
