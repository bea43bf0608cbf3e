/**
 * `tcplab up` and `tcplab down`: a device for a user without capabilities, and its exact removal.
 * Also `tcplab doctor` on machines with something missing.
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithTun, MAIN, ROOT, run, type Ran } from '../e2e/lab.js';
import { isRoot, PRIVATE } from './inside.js';

/**
 * Runs a script in private namespaces, with a device node that all users may open. Lines of dashes
 * separate the parts of its output.
 */
async function parts(
  script: string,
  state: string,
  env: NodeJS.ProcessEnv = {},
): Promise<{ all: Ran; out: string[] }> {
  const node = isRoot ? 'mount -t tmpfs none /dev/net && mknod -m 0666 /dev/net/tun c 10 200;' : '';
  const all = await run(
    'unshare',
    [...PRIVATE, '--mount', 'bash', '-c', `mount -t sysfs sysfs /sys; ${node} ${script}`],
    60,
    {
      env: {
        ...process.env,
        TCPLAB: `${process.execPath} ${MAIN}`,
        TCPLAB_STATE: state,
        NO_COLOR: '1',
        ...env,
      },
    },
  );
  return { all, out: all.stdout.split('----\n') };
}
const MARK = '; echo ----;';
/** A part with the output on both streams and the exit code. */
const tcplab = (args: string): string => `$TCPLAB ${args} 2>&1; echo "exit $?" ${MARK}`;
/** All links, addresses and routes of the kernel. */
const NETWORK = `ip link; ip address; ip route show table all; ip -6 route show table all ${MARK}`;

const folders: string[] = [];
const stateFolder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'tcplab-state-'));
  folders.push(path);
  return join(path, 'run');
};
afterAll(() => {
  for (const path of folders) rmSync(path, { recursive: true, force: true });
});

const UID = isRoot ? 12_345 : 0;

describeWithTun('tcplab up and down', () => {
  it('create a device with its owner, addresses and routes, and undo exactly that; both are idempotent', async () => {
    const state = stateFolder();
    const { all, out } = await parts(
      `${NETWORK} ${tcplab(`up --user ${UID}`)} cat ` +
        `/sys/class/net/tcplab0/{owner,tun_flags,mtu,tx_queue_len} ${MARK} cat ` +
        `$TCPLAB_STATE/tcplab0.json ${MARK} ip -br address show tcplab0 ${MARK}` +
        `${tcplab(`up --user ${UID}`)} ip link set tcplab0 down; ip link set tcplab0 mtu ` +
        `1000; ${tcplab(`up --user ${UID}`)} ip -br address show tcplab0 ${MARK}` +
        `${tcplab('up --user 54321')} ${tcplab('down')} ${NETWORK} ${tcplab('down')} ls ` +
        '$TCPLAB_STATE',
      state,
    );
    const [
      before,
      up,
      sys,
      journal,
      address,
      again,
      restored,
      addressAgain,
      other,
      down,
      after,
      downAgain,
      left,
    ] = out;
    expect(all.code, all.stderr).toBe(0);
    expect(up).toMatch(
      new RegExp(
        'created tcplab0, a TUN device that belongs to user \\d+[^]*MTU 1500, up[^]*' +
          'address 198\\.18\\.0\\.1/24[^]*tcplab down[^]*exit 0\\n$',
      ),
    );
    expect(sys).toBe(`${UID}\n0x5801\n1500\n4096\n`);
    expect(JSON.parse(journal!)).toMatchObject({ device: 'tcplab0', uid: UID, mtu: 1500 });
    expect(address).toMatch(/198\.18\.0\.1\/24 fd74:6370:6c61:62::1\/64/);
    expect(again).toMatch(/tcplab0 is up already[^]*exit 0\n$/);
    expect(restored).toMatch(/is up already; MTU and addresses set again\nexit 0\n$/);
    expect(addressAgain).toBe(address);
    expect(other).toMatch(
      new RegExp(`up already, for user ${UID}\\n  fix: sudo tcplab down --tun tcplab0\\nexit 1`),
    );
    expect(down).toMatch(/deleted tcplab0 and its addresses[^]*exit 0\n$/);
    expect(after).toBe(before);
    expect(downAgain).toBe('tcplab0 is not up: nothing to undo\nexit 0\n');
    expect(left).toBe('');
  });

  it('do not touch a device that they did not create', async () => {
    const { out } = await parts(
      `ip tuntap add mine mode tun; ${tcplab('up --tun mine')} ${tcplab('down --tun mine')} ` +
        'ip -br link show mine',
      stateFolder(),
    );
    expect(out[0]).toMatch(
      /the device mine already exists, and tcplab did not create it\n {2}fix: .*--tun\nexit 1/,
    );
    expect(out[1]).toMatch(
      /did not create mine, so it does not delete it\n {2}fix: sudo ip link delete mine[^]*exit 1/,
    );
    expect(out[2]).toMatch(/^mine/);
  });

  it('down cleans up after an interrupted up', async () => {
    const state = stateFolder();
    mkdirSync(state);
    writeFileSync(
      join(state, 'tcplab0.json'),
      JSON.stringify({ device: 'tcplab0', uid: 0, mtu: 1500, addresses: [] }),
    );
    const { out } = await parts(`${tcplab('down')} true`, state);
    expect(out[0]).toBe('tcplab0 was already deleted\nexit 0\n');
    expect(existsSync(join(state, 'tcplab0.json'))).toBe(false);
  });

  it('an up that fails leaves nothing to undo', async () => {
    const state = stateFolder();
    // The kernel reserves the last name.
    const { out } = await parts(
      `${tcplab('up --tun ../../evil')} ${tcplab('up --tun sixteen-letters!')} ` +
        `${tcplab('up --tun x%d')} ${tcplab('up --tun all')} ls -A $TCPLAB_STATE 2>/dev/null | ` +
        'wc -l',
      state,
    );
    for (const said of out.slice(0, 3))
      expect(said).toMatch(/is not a valid device name[^]*fix:[^]*exit 2/);
    expect(out[3]).toMatch(/all cannot be created: EINVAL[^]*fix: tcplab doctor[^]*exit 77/);
    expect(out[4]).toBe('0\n');
  });

  it('explain an invalid user, an invalid MTU and a missing capability', async () => {
    const without = 'setpriv --bounding-set -net_admin --inh-caps -net_admin';
    const { out } = await parts(
      `${tcplab('up --user nobody-of-that-name')} ` +
        `${tcplab('up --mtu 1000 --kernel-address fd00::1/64')} ${without} ${tcplab('up')} ` +
        `${tcplab('up --mtu 1000')} ip -br address show tcplab0`,
      stateFolder(),
    );
    expect(out[0]).toMatch(/no user 'nobody-of-that-name'[^]*exit 2/);
    expect(out[1]).toMatch(/IPv6 needs an MTU of at least 1280[^]*exit 2/);
    expect(out[2]).toMatch(/needs CAP_NET_ADMIN[^]*fix: sudo tcplab up[^]*exit 77/);
    expect(out[3]).toMatch(/MTU 1000[^]*exit 0/);
    expect(out[4]).toMatch(/198\.18\.0\.1\/24 *\n/);
  });

  it('up --multi-queue makes a device with several queues', async () => {
    const { out } = await parts(
      `${tcplab('up --multi-queue')} cat /sys/class/net/tcplab0/tun_flags`,
      stateFolder(),
    );
    expect(out[0]).toMatch(/with several queues/);
    expect(out[1]).toBe('0x5901\n');
  });
});

// Only root can become another user.
if (isRoot)
  describeWithTun('the user of a persistent device', () => {
    let copy = '';
    beforeAll(() => {
      copy = mkdtempSync(join(tmpdir(), 'tcplab-native-'));
      chmodSync(copy, 0o755);
      for (const name of [
        'dist',
        'build/Release',
        'package.json',
        'test/native/inside',
        'node_modules/commander',
        'node_modules/picocolors',
      ]) {
        mkdirSync(dirname(join(copy, name)), { recursive: true });
        cpSync(join(ROOT, name), join(copy, name), { recursive: true });
      }
    });
    afterAll(() => {
      rmSync(copy, { recursive: true, force: true });
    });

    const as = (uid: number, command: string): string =>
      `setpriv --reuid ${uid} --regid ${uid} --clear-groups --inh-caps=-all ` +
      `--bounding-set=-all ${command} 2>&1; echo "exit $?" ${MARK}`;

    it('attaches without any capability; another user may not, and the error says what to do', async () => {
      const opening = `${process.execPath} ${join(copy, 'test/native/inside/attach.mjs')}`;
      const { out } = await parts(
        `${tcplab(`up --user ${UID}`)} ${as(UID, `${opening} attach`)} ` +
          `${as(54_321, `${opening} attach`)} ${tcplab('down')}`,
        stateFolder(),
      );
      expect(out[1]).toBe(
        '{"capabilities":"0000000000000000","mtu":1500,"offload":true,"sent":1,"dropped":0}exit ' +
          '0\n',
      );
      expect(out[2]).toMatch(/"code":"EPERM".*CAP_NET_ADMIN.*tcplab up --user/);
      expect(out[3]).toMatch(/exit 0/);
    });

    it('serves on it', async () => {
      const user = `setpriv --reuid ${UID} --clear-groups --inh-caps=-all --bounding-set=-all`;
      const main = join(copy, 'dist/lab/cli/main.js');
      const { out } = await parts(
        `${tcplab(`up --user ${UID}`)} ` +
          `coproc ${user} ${process.execPath} ${main} serve http --tun tcplab0; pid=$!; ` +
          `read -r -u \${COPROC[0]} ready; echo "$ready" ${MARK} ` +
          `curl -s -m 10 http://198.18.0.2/bytes/5 | od -An -tu1 ${MARK} ` +
          `kill $pid; wait $pid; echo "exit $?" ${MARK} ${tcplab('down')}`,
        stateFolder(),
      );
      expect(out[1]).toMatch(/^ready 198\.18\.0\.2/);
      expect(out[2]!.trim()).toMatch(/^0 +1 +2 +3 +4$/);
      expect(out[3]).toBe('exit 0\n');
    });
  });

describeWithTun('tcplab doctor', () => {
  it('root: all is well', async () => {
    const { out } = await parts(tcplab('doctor'), stateFolder());
    expect(out[0]).toMatch(
      new RegExp(
        '^ok {4}/dev/net/tun can be opened \\(mode 0\\d{3}\\)\\n' +
          'ok {4}the TUN driver \\(addon\\) loads\\n' +
          'ok {4}CAP_NET_ADMIN: this process can create devices',
      ),
    );
    expect(out[0]).toContain(
      'ok    a private network with a TUN device works: MTU 1500, offloads granted (checksum, ' +
        'TSO4, TSO6)',
    );
    expect(out[0]).toMatch(/way to a TUN device: a private network namespace[^]*exit 0\n$/);
    expect(out[0]).not.toMatch(/FAIL/);
  });

  it('no device node', async () => {
    const { out } = await parts(
      `umount /dev/net 2>/dev/null; mount -t tmpfs none /dev/net; ${tcplab('doctor')}`,
      stateFolder(),
    );
    expect(out[0]).toMatch(
      /^FAIL {2}\/dev\/net\/tun does not exist[^\n]*\n {6}fix: sudo modprobe tun\n/,
    );
    expect(out[0]).toMatch(/no way to a TUN device: apply the fixes above\nexit 1\n$/);
  });

  it('no addon', async () => {
    const { out } = await parts(tcplab('doctor'), stateFolder(), {
      TCPLAB_ADDON: '/nowhere/tun.node',
    });
    expect(out[0]).toMatch(
      /FAIL {2}the TUN driver cannot be loaded \([^\n]*nowhere[^\n]*npm run build:native/,
    );
    expect(out[0]).toMatch(/exit 1\n$/);
  });

  it('the kernel owns the stack’s address', async () => {
    const { out } = await parts(
      `ip link set lo up; ip address add 198.18.0.2/32 dev lo; ${tcplab('doctor')}`,
      stateFolder(),
    );
    expect(out[0]).toMatch(
      new RegExp(
        "FAIL {2}the stack's address 198\\.18\\.0\\.2 is the kernel's own on lo[^\\n]*\\n" +
          ' {6}fix: sudo ip address delete 198\\.18\\.0\\.2 dev lo\\n',
      ),
    );
    expect(out[0]).toMatch(/exit 1\n$/);
  });
});
