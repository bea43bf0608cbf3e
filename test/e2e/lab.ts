/**
 * Runs things against the real kernel: `tcplab lab -- bash -c SCRIPT` makes a private network
 * namespace with a TUN device, the stack with all its services at one end of it, and runs the
 * script at the other. All of it is gone afterwards. Under CI a machine without a TUN fails these
 * tests; elsewhere they say why they do not run.
 */
import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe } from 'vitest';
import { tunProblem } from '../../native-setup/checks.mjs';
import { inCI } from '../tools/list.mjs';
import { needs } from '../tools/needs.js';

/**
 * The project; where its path has spaces, by a symbolic link without, for scripts in bash do not
 * quote it.
 */
export const ROOT = withoutSpaces(fileURLToPath(new URL('../..', import.meta.url)));
export const MAIN = join(ROOT, 'dist', 'lab', 'cli', 'main.js');
export const STACK = { 4: '198.18.0.2', 6: '[fd74:6370:6c61:62::2]' } as const;
export const FULL = process.env['TCPLAB_TEST'] === 'full';

/** Control sockets of this file's stacks only, because other files run stacks at the same time. */
process.env['TCPLAB_RUNTIME_DIR'] = folderUntilExit('tcplab-run-');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function withoutSpaces(path: string): string {
  if (/^[\w./+-]+$/.test(path)) return path;
  const link = join(folderUntilExit('tcplab-root-'), 'tcplab');
  symlinkSync(path, link);
  return link;
}

function folderUntilExit(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The factor for busy machines; a program that takes longer counts as hanging. */
const BUSY = 3;

/**
 * Runs a program to its end. One that takes much longer than `seconds`, which are a quiet
 * machine's, is ended, and that is an error.
 */
export function run(
  command: string,
  args: readonly string[],
  seconds = 50,
  options: SpawnOptions = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    // CI's own variable switches colours on.
    const env = { ...(options.env ?? process.env), NO_COLOR: '1' };
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options,
      env,
      detached: true,
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (d: Buffer) => (stdout += d.toString()));
    child.stderr?.on('data', (d: Buffer) => (stderr += d.toString()));
    const timer = setTimeout(
      () => {
        process.kill(-child.pid!, 'SIGKILL');
        reject(
          new Error(
            `${command} ${args.join(' ')} took more than ${BUSY * seconds} s\n${stdout}\n${stderr}`,
          ),
        );
      },
      BUSY * seconds * 1000,
    );
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? -1, stdout, stderr });
    });
  });
}

/** The beginning of every script. sysctl(8) has a package of its own, which small machines lack. */
const PRELUDE = `set -o pipefail
sysctl() {
  for setting; do
    [[ $setting == -* ]] && continue
    local name=\${setting%%=*}
    echo "\${setting#*=}" > /proc/sys/\${name//.//}
  done
}
`;

/** A bash script beside the stack, with the options of `tcplab lab`. */
export const lab = (script: string, options: readonly string[] = [], seconds = 50): Promise<Ran> =>
  run(
    process.execPath,
    [MAIN, 'lab', '-q', ...options, '--', 'bash', '-c', PRELUDE + script],
    seconds,
  );

/**
 * Root of the machine, who may be every user and make device nodes; root of a user namespace may
 * not.
 */
export const isRoot =
  process.getuid?.() === 0 &&
  /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'latin1'));

/**
 * What `unshare` needs for a private network: root a network namespace, an ordinary user one of
 * users too, with all capabilities in it.
 */
export const UNSHARE = isRoot ? ['--net'] : ['--map-current-user', '--keep-caps', '--net'];

/** A bash script in a private namespace without a stack: it starts `tcplab` itself, as $TCPLAB. */
export const inNamespace = (script: string, seconds = 50): Promise<Ran> =>
  run('unshare', [...UNSHARE, 'bash', '-c', PRELUDE + script], seconds, {
    env: { ...process.env, TCPLAB: `${process.execPath} ${MAIN}` },
  });

/** A folder for a test file's files. */
export function scratch(): string {
  const path = mkdtempSync(join(tmpdir(), 'tcplab-e2e-'));
  afterAll(() => {
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

/** The reason why tests with a TUN cannot run here, and what to do. */
function whyNot(): string | null {
  const problem = tunProblem();
  if (problem !== null) return problem;
  const { status, stderr } = spawnSync('unshare', [...UNSHARE, 'true'], { encoding: 'utf8' });
  if (status === 0) return null;
  return (
    `this user may not make a private network namespace (${(stderr ?? 'no unshare').trim()}): ` +
    `\`npm run cli -- doctor\` says what to do`
  );
}

/** `describe`, where there is a TUN; in CI, always. */
export function describeWithTun(name: string, body: () => void): void {
  const because = inCI() ? null : whyNot();
  if (because === null) describe(name, body);
  else describe(name, { skip: true, meta: { because } }, body);
}

const BAD =
  'tcp.checksum.status == "Bad" || ip.checksum.status == "Bad" || udp.checksum.status == ' +
  '"Bad" || icmp.checksum.status == "Bad" || icmpv6.checksum.status == "Bad" || _ws.malformed';

/** Invalid packets in a capture, according to tshark with checksum validation. */
export async function wrongIn(file: string): Promise<string> {
  needs('tshark');
  const checks = ['tcp', 'ip', 'udp'].flatMap((p) => ['-o', `${p}.check_checksum:TRUE`]);
  // What tests send to this port is nobody's protocol: chance bytes may look like one that is
  // malformed, or to be put together.
  const plain = ['-d', 'tcp.port==9000,data'];
  const { code, stdout, stderr } = await run(
    'tshark',
    ['-r', file, ...checks, ...plain, '-Y', BAD],
    60,
  );
  return code === 0 ? stdout : stderr;
}

/** Fields of the packets that match a filter, a line each. */
export async function fieldsOf(
  file: string,
  filter: string,
  ...fields: string[]
): Promise<string[]> {
  needs('tshark');
  const { stdout } = await run(
    'tshark',
    ['-r', file, '-Y', filter, '-T', 'fields', ...fields.flatMap((f) => ['-e', f])],
    60,
  );
  return stdout.split('\n').filter((line) => line !== '');
}
