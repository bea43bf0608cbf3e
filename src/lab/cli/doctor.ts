/**
 * `tcplab doctor`: checks what this machine allows. It prints one line for each check, with a fix
 * if the check fails. Exit code 0 if a TUN device can be opened and no check failed, else 1.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { native } from '../../device/tun/native.js';
import { TunDevice } from '../../device/tun/tun.js';
import { Address } from '../../ip/address.js';
import { monotonicClock } from '../../node/clock.js';
import { addressProblem } from './addresses.js';
import { Exit } from './errors.js';
import { LAB_DEVICE } from './device-name.js';
import { openLabNetwork, STACK_ADDRESSES } from './lab-network.js';
import { insideNamespace, namespaceProblem } from './namespace.js';
import { prefixesOf } from './options.js';
import { hasNetAdmin, tunNodeErrno, tunNodeProblem } from './tun-access.js';

interface Finding {
  readonly ok: boolean | 'note';
  readonly what: string;
  readonly fix?: string;
}

/** The doctor runs itself with this option in a private network. */
const INSIDE = '--inside';

/** `wanted`: the addresses of the stack; default: the lab's. Returns the exit code. */
export function doctor(
  wanted: readonly string[] = STACK_ADDRESSES,
  argv: readonly string[] = process.argv,
): number {
  if (argv.includes(INSIDE)) return inside();
  const findings: Finding[] = [
    deviceNode(),
    addon(),
    capability(),
    ...privateNetwork(),
    ownedDevices(),
    ...addresses(wanted),
    ...tools(),
  ];
  for (const f of findings) {
    process.stdout.write(
      `${f.ok === true ? 'ok  ' : f.ok === 'note' ? 'note' : 'FAIL'}  ${f.what}\n`,
    );
    if (f.fix !== undefined) process.stdout.write(`      fix: ${f.fix}\n`);
  }
  const way = wayToATun();
  process.stdout.write(
    way === null
      ? 'no way to a TUN device: apply the fixes above\n'
      : `way to a TUN device: ${way}\n`,
  );
  return way === null || findings.some((f) => f.ok === false) ? Exit.failed : Exit.ok;
}

/** The first way that works is the one that the commands use; null if none does. */
function wayToATun(): string | null {
  if (tunNodeErrno() !== '') return null;
  const owned = ownDevice();
  if (namespaceProblem() === null) return 'a private network namespace (tcplab demo, lab, serve)';
  if (owned !== null) return `the device ${owned}, which belongs to you (--tun ${owned})`;
  return hasNetAdmin() ? 'CAP_NET_ADMIN: a new device (--tun NAME)' : null;
}

function deviceNode(): Finding {
  const errno = tunNodeErrno();
  if (errno !== '') {
    const { what, fix } = tunNodeProblem(errno);
    return { ok: false, what, fix };
  }
  const mode = (statSync('/dev/net/tun').mode & 0o777).toString(8);
  return { ok: true, what: `/dev/net/tun can be opened (mode 0${mode})` };
}

function addon(): Finding {
  try {
    native();
    return { ok: true, what: 'the TUN driver (addon) loads' };
  } catch (error) {
    return { ok: false, what: (error as Error).message, fix: 'npm run build:native' };
  }
}

const capability = (): Finding =>
  hasNetAdmin()
    ? { ok: true, what: 'CAP_NET_ADMIN: this process can create devices' }
    : {
        ok: 'note',
        what:
          'no CAP_NET_ADMIN: use a private network, or create a device that belongs to you ' +
          '(sudo tcplab up --user $USER)',
      };

/**
 * Creates a private network to see whether that works, because several settings decide it: three
 * of the kernel's, and more in containers.
 */
function privateNetwork(): Finding[] {
  const problem = namespaceProblem();
  if (problem !== null) return [{ ok: false, what: problem.what, fix: problem.fix }];
  const args =
    process.getuid?.() === 0 ? ['--net'] : ['--map-current-user', '--keep-caps', '--net'];
  const done = spawnSync(
    'unshare',
    [...args, process.execPath, process.argv[1]!, 'doctor', INSIDE],
    {
      encoding: 'utf8',
      env: { ...process.env, TCPLAB_NAMESPACE: '1' },
    },
  );
  if (done.status === 0)
    return [{ ok: true, what: `a private network with a TUN device works: ${done.stdout.trim()}` }];
  const said = (done.stderr || done.stdout).trim().split('\n').pop() ?? '';
  return [
    {
      ok: false,
      what: `a private network works, but a TUN device cannot be created in it: ${said}`,
      fix: 'sudo tcplab up --user $USER',
    },
  ];
}

/** Runs in a private network: creates a TUN and prints which offloads the kernel grants. */
function inside(): number {
  if (!insideNamespace()) return Exit.usage;
  try {
    const device = openLabNetwork({ clock: monotonicClock });
    const { checksum, tso4, tso6 } = device.offload;
    process.stdout.write(
      `MTU ${device.mtu}, offloads ` +
        `${checksum && tso4 && tso6 ? 'granted (checksum, TSO4, TSO6)' : 'refused'}\n`,
    );
    device.close();
    return Exit.ok;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return Exit.failed;
  }
}

function ownDevice(): string | null {
  const uid = String(process.getuid?.() ?? -1);
  for (const name of readdirSync('/sys/class/net')) {
    try {
      if (readFileSync(`/sys/class/net/${name}/owner`, 'latin1').trim() === uid) return name;
    } catch {
      // not a TUN device
    }
  }
  return null;
}

function ownedDevices(): Finding {
  const name = ownDevice();
  if (name === null)
    return {
      ok: 'note',
      what: 'no persistent TUN device belongs to you (sudo tcplab up --user $USER creates one)',
    };
  try {
    const device = TunDevice.open({ name, clock: monotonicClock });
    device.close();
    return { ok: true, what: `the device ${name} belongs to you and can be opened: --tun ${name}` };
  } catch (error) {
    return { ok: false, what: (error as Error).message, fix: `end the process that uses ${name}` };
  }
}

/** Checks that the kernel neither owns the stack's address nor routes its network elsewhere. */
function addresses(wanted: readonly string[]): Finding[] {
  const stack = prefixesOf(wanted);
  const findings: Finding[] = stack.flatMap((p) => {
    const problem = addressProblem(p);
    const fix = 'use another address, for example --address 198.18.0.2/24';
    return problem === null
      ? []
      : [
          {
            ok: false,
            what: `${p.address.toString()} cannot be the stack's address: ${problem}`,
            fix,
          },
        ];
  });
  for (const [name, list] of Object.entries(networkInterfaces())) {
    for (const { address, family } of list ?? []) {
      const a = Address.parse(address.replace(/%.*/, ''));
      for (const p of stack) {
        if (p.address.family !== family || name === LAB_DEVICE) continue;
        if (a.equals(p.address)) {
          findings.push({
            ok: false,
            what:
              `the stack's address ${address} is the kernel's own on ${name}, so the kernel ` +
              'would answer its segments with RST',
            fix: `sudo ip address delete ${address} dev ${name}`,
          });
        } else if (p.contains(a.w0, a.w1, a.w2, a.w3)) {
          findings.push({
            ok: 'note',
            what:
              `${name} is in ${p.toString()}, the stack's network: outside of a private ` +
              'network, choose another one with --address',
          });
        }
      }
    }
  }
  return findings.length > 0
    ? findings
    : [{ ok: true, what: `no address conflict with ${wanted.join(' and ')}` }];
}

const tools = (): Finding[] =>
  ['curl', 'nc', 'ping', 'tcpdump', 'tshark'].map((name) =>
    spawnSync('sh', ['-c', `command -v ${name}`]).status === 0
      ? { ok: true, what: `${name} is installed` }
      : {
          ok: 'note' as const,
          what:
            `${name} is not installed; the labs use it (sudo apt-get install ` +
            `${name === 'nc' ? 'netcat-openbsd' : name === 'ping' ? 'iputils-ping' : name})`,
        },
  );
