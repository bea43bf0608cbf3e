/**
 * epoll: the watched sockets, which of them are ready, and which had an event since the last edge.
 */
import type { Expression } from './ast.js';
import { CONSTANTS } from './constants.js';
import type { ScriptSocket } from './socket.js';
import { readiness } from './socket-state.js';
import { fieldAt, fieldOf, numberOf } from './values.js';

const bit = (name: string): number => CONSTANTS[name]!;
const [EDGE, ONE_SHOT] = [bit('EPOLLET') >>> 0, bit('EPOLLONESHOT')];
const WRITABLE = bit('EPOLLOUT');
/** Events that are always reported. */
const ALWAYS = bit('EPOLLERR') | bit('EPOLLHUP');
/** Names for the data of an event. */
const DATA_FIELDS = ['fd', 'ptr', 'u32', 'u64'] as const;

interface Watch {
  readonly socket: ScriptSocket;
  events: number;
  data: number | null;
  /** Something has happened since the last report, which is an edge. */
  isWoken: boolean;
  /** The socket was not writable when it was asked; becoming writable is then an edge too. */
  waitsToWrite: boolean;
  /** EPOLLONESHOT has reported its event. */
  isOff: boolean;
}

/** What epoll_wait() returns for one socket. */
export interface Ready {
  readonly events: number;
  readonly data: number | null;
}

export class Epoll {
  private readonly watches = new Map<number, Watch>();

  /** epoll_ctl(). Returns an errno, or ''. */
  control(op: number, fd: number, socket: ScriptSocket, event: Expression | undefined): string {
    const known = this.watches.get(fd);
    if (op === bit('EPOLL_CTL_ADD')) {
      if (known !== undefined) return 'EEXIST';
      this.watch(fd, socket, event);
      return '';
    }
    if (known === undefined) return 'ENOENT';
    known.socket.watchers.delete(this);
    this.watches.delete(fd);
    if (op === bit('EPOLL_CTL_MOD')) this.watch(fd, socket, event);
    return '';
  }

  private watch(fd: number, socket: ScriptSocket, event: Expression | undefined): void {
    const events = numberOf(fieldAt(event, 0, 'events')) ?? 0;
    const data = dataOf(event);
    this.watches.set(fd, {
      socket,
      events,
      data,
      isWoken: true,
      waitsToWrite: false,
      isOff: false,
    });
    socket.watchers.add(this);
  }

  forget(socket: ScriptSocket): void {
    for (const [fd, watch] of this.watches) if (watch.socket === socket) this.watches.delete(fd);
  }

  /**
   * Notes an event of `socket`: bits such as EPOLLIN, or 0 for a change of its state, which
   * concerns every watcher of it.
   */
  wake(socket: ScriptSocket, what: number): void {
    for (const watch of this.watches.values())
      if (watch.socket === socket && (what === 0 || (watch.events & what) !== 0))
        watch.isWoken = true;
  }

  /** Returns up to `most` ready sockets, in the order in which they were added. */
  take(most: number): Ready[] {
    const found: Ready[] = [];
    for (const watch of this.watches.values()) {
      if (found.length === most) break;
      const events = this.readyOf(watch);
      if (events === 0) continue;
      watch.isWoken = false;
      if ((watch.events & ONE_SHOT) !== 0) watch.isOff = true;
      found.push({ events, data: watch.data });
    }
    return found;
  }

  private readyOf(watch: Watch): number {
    if (watch.isOff) return 0;
    const is = readiness(watch.socket);
    if ((is & WRITABLE) !== 0 && watch.waitsToWrite) watch.isWoken = true;
    watch.waitsToWrite = (is & WRITABLE) === 0;
    const events = is & (watch.events | ALWAYS);
    const isEdge = (watch.events & EDGE) !== 0;
    return isEdge && !watch.isWoken ? 0 : events;
  }
}

/** The data of an event in the script; null if there is none. */
export function dataOf(event: Expression | undefined): number | null {
  for (const name of DATA_FIELDS) {
    const field = fieldOf(event, name);
    if (field !== undefined) return numberOf(field);
  }
  return null;
}

/** How the event differs from the script, or ''. */
export function differenceOf({ events, data }: Ready, e: Expression | undefined): string {
  const [wantedEvents, wantedData] = [numberOf(fieldAt(e, 0, 'events')), dataOf(e)];
  if (wantedEvents !== null && wantedEvents !== events) return `events ${namesOf(events)}`;
  return wantedData === null || wantedData === data ? '' : `data ${data}`;
}

const EVENTS = [
  'EPOLLIN',
  'EPOLLPRI',
  'EPOLLOUT',
  'EPOLLERR',
  'EPOLLHUP',
  'EPOLLRDNORM',
  'EPOLLWRNORM',
  'EPOLLRDHUP',
];
const namesOf = (events: number): string =>
  EVENTS.filter((name) => (events & bit(name)) !== 0).join('|') || '0';
