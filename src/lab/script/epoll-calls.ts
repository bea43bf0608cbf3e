/** The calls of epoll: epoll_create(), epoll_create1(), epoll_ctl(), epoll_wait(). */
import type { Call } from './ast.js';
import { differenceOf, Epoll } from './epoll.js';
import { fail, ok, type Attempt } from './socket.js';
import type { Sockets } from './sockets.js';
import { numberOf, Unsupported } from './values.js';

export function epollCreate(w: Sockets, call: Call): Attempt {
  const size = numberOf(call.args[0]) ?? 0;
  // The argument of epoll_create1() is flags.
  if (call.name === 'epoll_create' && size <= 0) return () => fail('EINVAL');
  return () => ok(w.add(call, new Epoll()));
}

export function epollControl(w: Sockets, { args }: Call): Attempt {
  const [epfd, op, fd] = [0, 1, 2].map((i) => numberOf(args[i]) ?? -1) as [number, number, number];
  return () => {
    const [epoll, found] = [w.get(epfd), w.get(fd)];
    if (epoll === undefined || found === undefined) return fail('EBADF');
    const [instance, socket] = [w.epoll(epfd), w.socket(fd)];
    if (instance === undefined) return fail('EINVAL');
    if (socket === undefined) throw new Unsupported('epoll_ctl() is supported for sockets only');
    const errno = instance.control(op, fd, socket, args[3]);
    return errno === '' ? ok() : fail(errno);
  };
}

export function epollWait(w: Sockets, { args }: Call): Attempt {
  const epoll = w.epoll(numberOf(args[0]));
  if (epoll === undefined)
    return () => fail(w.get(numberOf(args[0])) === undefined ? 'EBADF' : 'EINVAL');
  const wanted =
    args[1]?.kind === 'list' ? args[1].items : args[1]?.kind === 'struct' ? [args[1]] : [];
  const most = numberOf(args[2]) ?? 1;
  if (most <= 0) return () => fail('EINVAL');
  const timeout = numberOf(args[3]) ?? 0;
  const until = timeout < 0 ? Infinity : w.now + timeout * 1000;
  return () => {
    const ready = epoll.take(most);
    if (ready.length === 0) return w.now < until ? null : ok();
    const differences = ready
      .map((r, i) => differenceOf(r, wanted[i]))
      .filter((text) => text !== '');
    return differences.length === 0
      ? ok(ready.length)
      : { ...ok(ready.length), mismatch: differences.join(', ') };
  };
}
