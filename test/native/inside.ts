/**
 * Runs a scenario of test/native/inside/*.mjs in a private network namespace, and returns its
 * output.
 */
import { join } from 'node:path';
import { isRoot, ROOT, run } from '../e2e/lab.js';
import { testAddon } from './test-addon.js';

export { describeWithTun, isRoot } from '../e2e/lab.js';

export const SCRIPTS = join(ROOT, 'test', 'native', 'inside');
export const PRIVATE = isRoot ? ['--net'] : ['--map-root-user', '--net'];
/**
 * A namespace has its own devices in /sys only after /sys is mounted again, which `ip netns exec`
 * does and `unshare` does not.
 */
const OWN_SYS = 'mount -t sysfs sysfs /sys && exec "$@"';

/** The results of scripts; their types are known only to the tests. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Found = any;

export const inside = (script: string, scenario: string, ...args: string[]): Promise<Found> =>
  insideWith(process.env, script, scenario, args);

/** The same with the addon that has `injectFault`. */
export const insideWithFaults = async (
  script: string,
  scenario: string,
  ...args: string[]
): Promise<Found> =>
  insideWith({ ...process.env, TCPLAB_ADDON: await testAddon() }, script, scenario, args);

async function insideWith(
  env: NodeJS.ProcessEnv,
  script: string,
  scenario: string,
  args: readonly string[],
): Promise<Found> {
  const program = [process.execPath, '--expose-gc', join(SCRIPTS, script), scenario, ...args];
  const command = [...PRIVATE, '--mount', 'sh', '-c', OWN_SYS, 'sh', ...program];
  return parse(await run('unshare', command, undefined, { env }));
}

/** The same with the machine's /sys, as in `tcplab lab`. */
export async function insideForeignSys(
  script: string,
  scenario: string,
  ...args: string[]
): Promise<Found> {
  return parse(
    await run('unshare', [...PRIVATE, process.execPath, join(SCRIPTS, script), scenario, ...args]),
  );
}

export function parse(ran: { code: number; stdout: string; stderr: string }): Found {
  if (ran.code !== 0) throw new Error(`exit code ${ran.code}\n${ran.stdout}\n${ran.stderr}`);
  return JSON.parse(ran.stdout);
}
