/**
 * curl and similar tools against the HTTP service: every family, MTU and offload, small and large,
 * both ways, byte for byte.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { describeWithTun, FULL, lab, scratch, STACK, wrongIn } from './lab.js';
import { needs } from '../tools/needs.js';

const GIGABYTE = 1e9;
const BIG = FULL ? GIGABYTE : 10e6;
const dir = scratch();
const upload = join(dir, 'upload');

/** SHA-256 of `/bytes/N`: byte i is i modulo 256. */
function patternHash(size: number): string {
  const block = Buffer.from(Uint8Array.from({ length: 1 << 20 }, (_, i) => i));
  const hash = createHash('sha256');
  for (let left = size; left > 0; left -= block.length)
    hash.update(left < block.length ? block.subarray(0, left) : block);
  return hash.digest('hex');
}

const curl = (version: 4 | 6): string =>
  `curl -sS --max-time 300 --globoff --noproxy '*' ${STACK[version] === STACK[4] ? '' : '-6'}`;
const fetchHash = (version: 4 | 6, size: number): string =>
  `${curl(version)} http://${STACK[version]}/bytes/${size} | sha256sum | cut -c1-64`;
const uploadHash = (version: 4 | 6, file: string): string =>
  `${curl(version)} -T ${file} http://${STACK[version]}/upload | sed 's/.*sha256 //'`;

describeWithTun('curl fetches and uploads', () => {
  let uploadSum = '';
  beforeAll(() => {
    const bytes = Buffer.alloc(BIG, Buffer.from(Uint8Array.from({ length: 251 }, (_, i) => i * 7)));
    writeFileSync(upload, bytes);
    uploadSum = createHash('sha256').update(bytes).digest('hex');
  });

  for (const mtu of [576, 1280, 1500, 9000]) {
    for (const offload of [true, false]) {
      for (const version of [4, 6] as const) {
        if (version === 6 && mtu < 1280) continue;
        it(
          `over IPv${version}, MTU ${mtu}, offloads ${offload ? 'on' : 'off'}`,
          async () => {
            const sizes = [0, 1, 1e6, BIG];
            const script = [
              ...sizes.map((size) => fetchHash(version, size)),
              uploadHash(version, upload),
            ].join(' && ');
            const options = ['--mtu', String(mtu), ...(offload ? [] : ['--no-offload'])];
            const { code, stdout, stderr } = await lab(script, options, FULL ? 600 : 60);
            expect(stdout.trim().split('\n'), stderr).toEqual([
              ...sizes.map(patternHash),
              uploadSum,
            ]);
            expect(code).toBe(0);
          },
          FULL ? 1_800_000 : undefined,
        );
      }
    }
  }

  // 100 MB fill every buffer and window many times; the gigabyte of a full run takes 18 s.
  const [bulk, name] = FULL ? [GIGABYTE, 'a gigabyte'] : [100_000_000, '100 MB'];
  it(`${name} each way`, async () => {
    const zeros = `${dir}/zeros`;
    const write = `head -c ${bulk} /dev/zero > ${zeros} && sha256sum < ${zeros} | cut -c1-64`;
    const script = `${fetchHash(4, bulk)}; ${write} && ${uploadHash(4, zeros)}; rm ${zeros}`;
    const { stdout, stderr } = await lab(script, [], 120);
    const [fetched, sent, arrived] = stdout.trim().split('\n');
    expect(fetched, stderr).toBe(patternHash(bulk));
    expect(arrived).toBe(sent);
  });
});

describeWithTun('other clients', () => {
  it('100 curls at once', async () => {
    const get = `${curl(4)} -o /dev/null -w '%{http_code} %{size_download}\\n'`;
    const script = `for i in $(seq 100); do ${get} http://${STACK[4]}/bytes/1000 & done; wait`;
    const { stdout } = await lab(script);
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(100);
    expect(new Set(lines)).toEqual(new Set(['200 1000']));
  });

  it('wget', async () => {
    needs('wget');
    const { code, stdout } = await lab(
      `wget -q --no-proxy -O - http://${STACK[4]}/bytes/100000 | sha256sum | cut -c1-64`,
    );
    expect([code, stdout.trim()]).toEqual([0, patternHash(100_000)]);
  });

  it('ab', async () => {
    needs('ab');
    const { stdout } = await lab(`ab -n 500 -c 20 http://${STACK[4]}/bytes/1000`);
    expect(stdout).toMatch(/Complete requests:\s+500/);
    expect(stdout).toMatch(/Failed requests:\s+0/);
  });

  it('ab with keep-alive', async () => {
    needs('ab');
    const { stdout } = await lab(`ab -k -n 500 -c 20 http://${STACK[4]}/bytes/1000`);
    expect(stdout).toMatch(/Complete requests:\s+500/);
    expect(stdout).toMatch(/Failed requests:\s+0/);
  });

  it('wrk', async () => {
    needs('wrk');
    const { code, stdout } = await lab(`wrk -t 1 -c 20 -d 1 http://${STACK[4]}/bytes/1000`);
    expect(code).toBe(0);
    expect(stdout).not.toMatch(/Socket errors|Non-2xx/);
    expect(Number(/(\d+) requests in/.exec(stdout)?.[1])).toBeGreaterThan(100);
  });

  it('a closed port is refused at once', async () => {
    const { stdout, stderr } = await lab(
      `${curl(4)} http://${STACK[4]}:81/; echo $?; ${curl(6)} http://${STACK[6]}:81/; echo $?`,
    );
    expect(stdout.trim().split('\n')).toEqual(['7', '7']);
    expect(stderr).toMatch(/refused|Couldn't connect/i);
  });
});

describeWithTun('the HTTP service', () => {
  it('shows the client its connection: text, JSON, a page', async () => {
    const url = `http://${STACK[4]}/`;
    const script =
      `${curl(4)} ${url}; echo ---; ${curl(4)} ${url}?format=json; echo ---; ${curl(4)} -H ` +
      `'Accept: text/html' ${url}`;
    const [text, json, page] = (await lab(script)).stdout.split('---\n');
    expect(text).toMatch(/our ISN\s+\d+/);
    expect(text).toContain('ESTABLISHED');
    const view = JSON.parse(json!) as { snapshot: { snd: { iss: number }; state: string } };
    expect(view.snapshot.state).toBe('ESTABLISHED');
    expect(page).toMatch(/^<!doctype html>[^]*<\/html>\s*$/);
  });

  it('supports ranges and HEAD, and rejects invalid ranges and methods', async () => {
    const base = `http://${STACK[4]}`;
    const script = [
      `${curl(4)} -r 256-260 ${base}/bytes/1000 | od -An -tu1`,
      `${curl(4)} -I ${base}/bytes/1000 | grep -i content-length`,
      `${curl(4)} -o /dev/null -w '%{http_code}\\n' -r 5000- ${base}/bytes/1000`,
      `${curl(4)} -o /dev/null -w '%{http_code}\\n' -X DELETE ${base}/bytes/1`,
      `${curl(4)} -o /dev/null -w '%{http_code}\\n' ${base}/nothing`,
      `${curl(4)} ${base}/reset; echo $?`,
    ].join('; ');
    const lines = (await lab(script)).stdout
      .trim()
      .split('\n')
      .map((line) => line.trim());
    expect(lines).toEqual(['0   1   2   3   4', 'Content-Length: 1000', '416', '405', '404', '56']);
  });

  it('serves files, and none outside of its folder', async () => {
    const root = join(dir, 'root');
    mkdirSync(join(root, 'sub'), { recursive: true });
    const setUp =
      `echo inside > ${root}/sub/a.txt && echo secret > ${dir}/secret && ln -sf ${dir}/secret ` +
      `${root}/link`;
    const get = (path: string): string =>
      `${curl(4)} --path-as-is -w '%{http_code} %{content_type}\\n' 'http://${STACK[4]}${path}'`;
    const paths = ['/sub/a.txt', '/../secret', '/%2e%2e/secret', '/link', '/sub/%00a.txt'];
    const { stdout } = await lab(`${setUp}; ${paths.map(get).join('; ')}`, ['--http-root', root]);
    expect(stdout).toContain('inside\n200 text/plain; charset=utf-8');
    expect(stdout).not.toContain('secret\n');
    expect(stdout.match(/404/g)).toHaveLength(4);
  });
});

describeWithTun('a capture of all that', () => {
  for (const offload of [true, false]) {
    it(`has no bad checksum and nothing malformed, offloads ${offload ? 'on' : 'off'}`, async () => {
      needs('nc', 'ping', 'tshark');
      const file = join(dir, `http-${offload}.pcapng`);
      const script = [
        fetchHash(4, 1e6),
        fetchHash(6, 1e6),
        `head -c 1000000 /dev/zero | ${curl(4)} -T - http://${STACK[4]}/upload`,
        `ping -c 2 -i 0.2 -s 3000 ${STACK[4]}`,
        `echo x | nc -u -w 1 ${STACK[4]} 7`,
      ].join('; ');
      await lab(script, ['--pcap', file, ...(offload ? [] : ['--no-offload'])]);
      expect(await wrongIn(file)).toBe('');
    });
  }
});
