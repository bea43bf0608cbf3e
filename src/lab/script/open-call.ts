/** open(), for the files of the script. */
import type { Call } from './ast.js';
import { CONSTANTS } from './constants.js';
import { OpenFile } from './files.js';
import { fail, type Attempt, ok } from './socket.js';
import type { Sockets } from './sockets.js';
import { numberOf, textOf, Unsupported } from './values.js';

const ENDLESS = '/dev/zero';

export function open(w: Sockets, call: Call): Attempt {
  const path = textOf(call.args[0]);
  const flags = numberOf(call.args[1]) ?? 0;
  if (path === null) throw new Unsupported('the path of open() must be a quoted string');
  return () => {
    const bytes = path === ENDLESS ? Infinity : w.world.files.get(path);
    if (bytes !== undefined) return ok(w.add(call, new OpenFile(bytes)));
    if ((flags & CONSTANTS['O_CREAT']!) !== 0) {
      w.world.files.set(path, 0);
      return ok(w.add(call, new OpenFile(0)));
    }
    if (numberOf(call.result) === -1) return fail('ENOENT');
    throw new Unsupported(
      `open() of ${path}: a command of the script must create it (dd, truncate, fallocate, head)`,
    );
  };
}
