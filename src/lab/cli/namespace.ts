/**
 * A private network for a lab: the command starts itself again inside a network namespace of its
 * own, where it can create devices without a change to the machine's network. Node has several
 * threads, and a process with threads cannot change its user namespace; therefore util-linux's
 * `unshare` does it before Node starts.
 *
 * An ordinary user gets a user namespace too, with the user's own id inside
 * (`--map-current-user --keep-caps`): with root's id mapped, tcpdump would try to become another
 * user inside and fail.
 */
import { spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { CommandError, Exit } from './errors.js';
import { requireTunNode } from './tun-access.js';

/** Environment variable that is set for the process inside. */
const MARK = 'TCPLAB_NAMESPACE';

export const insideNamespace = (): boolean => process.env[MARK] === '1';

const unshareArgs = (): string[] =>
  process.getuid?.() === 0 ? ['--net'] : ['--map-current-user', '--keep-caps', '--net'];

/**
 * Runs this same command inside a private network namespace and returns its exit code. Returns null
 * if this process is already inside; the caller then continues. Throws CommandError (77) if the
 * machine does not allow it.
 */
export async function enterNamespace(): Promise<number | null> {
  if (insideNamespace()) return null;
  requireTunNode();
  tryNamespace();
  const child = spawn(
    'unshare',
    [...unshareArgs(), process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    {
      stdio: 'inherit',
      env: { ...process.env, [MARK]: '1' },
    },
  );
  // The terminal sends Ctrl-C to both processes, and the one inside decides what to do. A signal
  // that only this process receives is forwarded.
  const forward = (signal: NodeJS.Signals): void => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const s of signals) process.on(s, forward);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      for (const s of signals) process.off(s, forward);
      resolve(code ?? (signal === null ? Exit.failed : 128 + constants.signals[signal]));
    });
  });
}

/**
 * Creates a namespace to see whether that works, because three kernel settings decide it. Throws
 * CommandError (77).
 */
export function tryNamespace(): void {
  const problem = namespaceProblem();
  if (problem !== null) throw new CommandError(Exit.environment, problem.what, problem.fix);
}

export function namespaceProblem(): { what: string; fix: string } | null {
  const done = spawnSync('unshare', [...unshareArgs(), 'true'], { encoding: 'utf8' });
  if (done.status === 0) return null;
  if ((done.error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
    return {
      what: 'the program `unshare`, which creates private networks, is not installed',
      fix: 'sudo apt-get install util-linux',
    };
  }
  const said = done.stderr.trim().split('\n')[0] ?? '';
  if (process.getuid?.() === 0) {
    return {
      what:
        `root cannot create a network namespace here (${said}), most likely because this is a ` +
        'container without CAP_SYS_ADMIN',
      fix: 'docker run --cap-add SYS_ADMIN --cap-add NET_ADMIN --device /dev/net/tun ...',
    };
  }
  return {
    what: `this machine does not allow ordinary users to create private networks (${said})`,
    fix:
      'sudo tcplab up --user $USER   (or, for every program: sudo sysctl -w ' +
      'kernel.apparmor_restrict_unprivileged_userns=0 user.max_user_namespaces=10000)',
  };
}
