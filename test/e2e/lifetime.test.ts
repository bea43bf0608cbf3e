/**
 * A program with a stack on a real TUN device ends when it has nothing left to do, like one with
 * the kernel's sockets.
 */
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithTun, ROOT, run, UNSHARE } from './lab.js';

const INDEX = pathToFileURL(join(ROOT, 'dist', 'index.js')).href;

/**
 * A module in a private namespace; `host` and `net` are there. It is ended, with an error, when it
 * does not end by itself.
 */
const program = (body: string): ReturnType<typeof run> =>
  run(
    'unshare',
    [
      ...UNSHARE,
      process.execPath,
      '--input-type=module',
      '-e',
      `import { Capture, Host, Link, TunDevice, monotonicClock, netOf, perfectLink }
         from ${JSON.stringify(INDEX)};
       const tun = TunDevice.open({ name: 'tcplab0', clock: monotonicClock });
       const tap = { packet() {}, batchEnd() {} };
       const device = new Link(new Capture(tun, tap), perfectLink());
       const host = new Host({ device, addresses: ['198.18.0.2/24'] });
       const net = netOf(host);
       process.on('exit', () => console.log('over'));
       ${body}`,
    ],
    20,
  );

describeWithTun('the life of a process', () => {
  it('ends when its host is idle', async () => {
    const { code, stdout, stderr } = await program(``);
    expect([code, stdout], stderr).toEqual([0, 'over\n']);
  });

  it('continues while a server listens, and ends when it closes', async () => {
    const { stdout, stderr } = await program(
      `const server = net.createServer().listen(80);
       setTimeout(() => { console.log('listens'); server.close(); }, 50).unref();`,
    );
    // The timer is unreferenced: without the server the process would end before it fires.
    expect(stdout, stderr).toBe('listens\nover\n');
  });

  it('ends after a conversation, even with a connection in TIME-WAIT', async () => {
    const { stdout, stderr } = await program(
      `const server = net.createServer((s) => s.end('hello')).listen(80, () => {
         net.connect(80, 'localhost').on('data', (d) => console.log(String(d))).on('close', () => {
           console.log('TIME-WAIT', host.stack.tcp.timeWait.size);
           server.close();
         });
       });`,
    );
    expect(stdout, stderr).toBe('hello\nTIME-WAIT 1\nover\n');
  });

  it('goes on while a connection attempt waits for its answer, told not to or not, as with node:net', async () => {
    const attempt = (unref: string): ReturnType<typeof run> =>
      program(
        `net.connect({ port: 9, host: '198.18.0.77' }).on('error', () => undefined)${unref};
         setTimeout(() => { console.log('waits'); process.exit(); }, 50).unref();`,
      );
    expect((await attempt('')).stdout).toBe('waits\nover\n');
    // A request under way keeps the event loop, whatever its socket does.
    expect((await attempt('.unref()')).stdout).toBe('waits\nover\n');
  });
});
