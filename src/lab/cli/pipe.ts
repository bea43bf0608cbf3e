/**
 * `tcplab connect HOST PORT` and `tcplab listen PORT`: copy standard input and output over a
 * connection of our stack, as nc does with the kernel's.
 */
import { netOf } from '../../node/net.js';
import type { NetError } from '../../node/errors.js';
import type { Socket } from '../../node/socket.js';
import { Exit } from './errors.js';
import { openLabHost, type LabHost } from './lab-host.js';
import { lifetime, type Lifetime } from './lifetime.js';
import type { SharedOptions } from './options.js';
import { resolveHost } from './resolve.js';

export async function connect(hostText: string, port: number, o: SharedOptions): Promise<number> {
  const address = resolveHost(hostText);
  const lab = await openLabHost(o);
  const life = lifetime();
  const socket = netOf(lab.host).connect({ host: address.toString(), port, allowHalfOpen: true });
  return pipeThrough(lab, socket, life);
}

export async function listen(port: number, o: SharedOptions): Promise<number> {
  const lab = await openLabHost(o);
  const life = lifetime();
  const server = netOf(lab.host).createServer({ allowHalfOpen: true });
  const ready = new Promise<Socket>((resolve, reject) => {
    server.once('connection', resolve);
    server.once('error', reject);
  });
  server.listen({ port }, () => {
    process.stderr.write(
      `listening on ${lab.host.stack.addresses.list.map((a) => a.toString()).join(' and ')}, ` +
        `port ${server.address()!.port}\n`,
    );
  });
  try {
    const first = await Promise.race([ready, life.ended]);
    if (typeof first === 'number') {
      lab.close();
      return first;
    }
    server.close(); // only one connection, as nc
    return await pipeThrough(lab, first, life);
  } catch (error) {
    process.stderr.write(`tcplab: ${(error as Error).message}\n`);
    lab.close();
    return Exit.failed;
  }
}

/**
 * Copies in both directions until both have ended. The end of standard input sends a FIN; the
 * peer's FIN ends standard output.
 */
async function pipeThrough(lab: LabHost, socket: Socket, life: Lifetime): Promise<number> {
  const done = new Promise<number>((resolve) => {
    socket.on('error', (error: NetError) => {
      process.stderr.write(`tcplab: ${error.message}${advice(error)}\n`);
      resolve(Exit.failed);
    });
    socket.on('close', (hadError: boolean) => {
      resolve(hadError ? Exit.failed : Exit.ok);
    });
  });
  process.stdin.pipe(socket);
  socket.pipe(process.stdout, { end: false });
  const code = await Promise.race([done, life.ended]);
  process.stdin.unpipe(socket);
  process.stdin.destroy();
  if (!socket.destroyed) socket.resetAndDestroy();
  const sent = code === Exit.ok ? await delivered(lab, socket, life) : code;
  lab.close();
  return sent;
}

/**
 * nc can end while the kernel still sends, but our stack ends with this process. Therefore the
 * command waits until the peer has acknowledged everything, or a signal comes.
 */
async function delivered(lab: LabHost, socket: Socket, life: Lifetime): Promise<number> {
  const code = await Promise.race([lab.host.idle(), life.ended]);
  const error = socket.conn?.error ?? null;
  if (error === null) return code ?? Exit.ok;
  process.stderr.write(`tcplab: write ${error}: the peer did not acknowledge all of the data\n`);
  return Exit.failed;
}

function advice(error: NetError): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return ': the host answers, but no program listens on that port';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return ': there is no route to that host; `ip route` shows the routes';
    case 'ETIMEDOUT':
      return ': no answer; check that the host is up and that no firewall drops the SYN';
    case 'ECONNRESET':
      return ': the peer reset the connection';
    default:
      return '';
  }
}
