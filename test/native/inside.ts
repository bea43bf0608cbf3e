/** Runs a scenario of test/native/inside/*.mjs in a private network namespace, and hands over what it printed. */
import { join } from 'node:path';
import { isRoot, ROOT, run } from '../e2e/lab.js';

export { describeWithTun, isRoot } from '../e2e/lab.js';

export const SCRIPTS = join(ROOT, 'test', 'native', 'inside');
export const PRIVATE = isRoot ? ['--net'] : ['--map-root-user', '--net'];
/** A namespace sees its own devices in /sys only where /sys is mounted anew: `ip netns exec` does so, `unshare` does not. */
const OWN_SYS = 'mount -t sysfs sysfs /sys && exec "$@"';

/** What a script may find; each test knows which. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Found = any;

export async function inside(script: string, scenario: string, ...args: string[]): Promise<Found> {
  const program = [process.execPath, '--expose-gc', join(SCRIPTS, script), scenario, ...args];
  return parse(await run('unshare', [...PRIVATE, '--mount', 'sh', '-c', OWN_SYS, 'sh', ...program]));
}

/** The same where /sys is still the machine's, as in `tcplab lab`. */
export async function insideForeignSys(script: string, scenario: string, ...args: string[]): Promise<Found> {
  return parse(await run('unshare', [...PRIVATE, process.execPath, join(SCRIPTS, script), scenario, ...args]));
}

export function parse(ran: { code: number; stdout: string; stderr: string }): Found {
  if (ran.code !== 0) throw new Error(`exit code ${ran.code}\n${ran.stdout}\n${ran.stderr}`);
  return JSON.parse(ran.stdout);
}
