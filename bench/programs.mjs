// @ts-check
/**
 * Starts the programs of the benches (the client on the kernel's sockets, the servers, `ip`) in a
 * private network namespace.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const build = join(dirname(here), 'build');
const CLIENT = join(build, 'bench-client');

/**
 * @param {{ name: string }} c the server's contestant, for error messages
 * @param {(string | number)[]} args
 * @param {string[]} [before]
 * @param {number} [seconds] time limit
 * @returns {any} what the client printed
 */
export function client(c, args, before = [], seconds = 30) {
  const [command, ...rest] = [...before, CLIENT, ...args.map(String)];
  const done = spawnSync(/** @type {string} */ (command), rest, {
    encoding: 'utf8',
    timeout: seconds * 1000,
  });
  if (done.status !== 0) {
    const why = done.stderr?.trim() || String(done.error ?? done.signal);
    throw new Error(`${c.name}: client ${args.slice(0, 5).join(' ')}: ${why}`);
  }
  return JSON.parse(done.stdout);
}

/** @param {string} command @param {string[]} args */
export function run(command, args) {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** @param {string} text arguments separated by spaces */
export const ip = (text) => run('ip', text.split(' '));

/**
 * Starts a server, waits for its line `ready ...` and returns the rest of that line. The server
 * ends when its standard input ends.
 *
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<{ server: import('node:child_process').ChildProcess, said: string }>}
 */
export function start(command, args) {
  const server = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  return new Promise((done, fail) => {
    const timer = setTimeout(() => {
      server.kill('SIGKILL');
      fail(new Error(`${args.join(' ')} was not ready in 10 s`));
    }, 10_000);
    let text = '';
    server.stdout.on('data', (/** @type {Buffer} */ chunk) => {
      text += chunk.toString();
      const [, said] = /^ready ?(.*)\n/m.exec(text) ?? [];
      if (said === undefined) return;
      clearTimeout(timer);
      done({ server, said });
    });
    server.on('exit', (code) => {
      clearTimeout(timer);
      fail(new Error(`${args.join(' ')} ended with ${code}`));
    });
    server.on('error', fail);
  });
}

/** Runs this program again in a private network namespace, unless it is in one already. */
export function isolate() {
  if (process.env['TCPLAB_BENCH'] === 'isolated') return;
  const how = process.getuid?.() === 0 ? ['--net'] : ['--map-current-user', '--keep-caps', '--net'];
  const args = [...how, process.execPath, ...process.argv.slice(1)];
  const done = spawnSync('unshare', args, {
    stdio: 'inherit',
    env: { ...process.env, TCPLAB_BENCH: 'isolated' },
  });
  if (done.error)
    throw new Error(
      `unshare cannot be started (${done.error.message}): install it with ` +
        '`sudo apt-get install util-linux`',
    );
  process.exit(done.status ?? 1);
}

/**
 * Builds one of the bench's C programs unless it is up to date, and returns its path.
 *
 * @param {string} name
 */
export function compile(name) {
  const source = join(here, `${name}.c`);
  const program = join(build, `bench-${name}`);
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program;
  mkdirSync(build, { recursive: true });
  const done = spawnSync('cc', ['-O2', '-Wall', '-Wextra', '-pthread', '-o', program, source], {
    stdio: 'inherit',
  });
  if (done.error)
    throw new Error(
      'the C compiler `cc`, which compiles the programs of the bench, is not installed: ' +
        'install it with `sudo apt-get install build-essential`',
    );
  if (done.status !== 0) throw new Error(`bench/${name}.c does not compile: see cc's errors above`);
  return program;
}
