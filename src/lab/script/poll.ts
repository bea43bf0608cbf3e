/** poll(2) over a script's sockets. */
import type { Call } from './ast.js';
import { CONSTANTS } from './constants.js';
import { ok, type Attempt } from './socket.js';
import { readiness } from './socket-state.js';
import type { Sockets } from './sockets.js';
import { fieldOf, numberOf, Unsupported } from './values.js';

export function poll(w: Sockets, call: Call): Attempt {
  const [fds, count] = call.args;
  if (fds?.kind !== 'list') throw new Unsupported('the first argument of poll() must be a list');
  const wanted = fds.items;
  if ((numberOf(count) ?? wanted.length) !== wanted.length)
    throw new Unsupported(
      `poll() with ${numberOf(count)} descriptors for a list of ${wanted.length}`,
    );
  const timeout = numberOf(call.args[2]) ?? 0;
  const until = timeout < 0 ? Infinity : w.now + timeout * 1000;
  return () => {
    const ready: number[] = wanted.map((e) => {
      const fd = numberOf(fieldOf(e, 'fd'));
      if (fd !== null && fd < 0) return 0; // a negative descriptor is ignored
      const s = w.socket(fd);
      const asked =
        (numberOf(fieldOf(e, 'events')) ?? 0) | CONSTANTS['POLLERR']! | CONSTANTS['POLLHUP']!;
      return s === undefined ? CONSTANTS['POLLNVAL']! : asked & readiness(s);
    });
    const answer = ready.filter((bits) => bits !== 0).length;
    if (answer === 0 && w.now < until) return null;
    const mismatch = wanted.findIndex((e, i) => {
      const expected = numberOf(fieldOf(e, 'revents'));
      return expected !== null && expected !== ready[i];
    });
    return mismatch < 0
      ? ok(answer)
      : { ...ok(answer), mismatch: `revents of entry ${mismatch} is ${ready[mismatch]}` };
  };
}
