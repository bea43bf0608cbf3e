/** Lets several observers share a stack, which takes only one. */
import type { LinkListener } from '../device/link/lane.js';
import type { StackObserver } from '../stack/observer.js';

export function fanOut(...observers: readonly StackObserver[]): StackObserver {
  return {
    segmentArrived: (conn, seg, now) => {
      for (const o of observers) o.segmentArrived(conn, seg, now);
    },
    segmentDropped: (conn, seg, reason, now) => {
      for (const o of observers) o.segmentDropped(conn, seg, reason, now);
    },
    segmentSent: (conn, seg, again, now) => {
      for (const o of observers) o.segmentSent(conn, seg, again, now);
    },
    stateChanged: (conn, from, to, cause, now) => {
      for (const o of observers) o.stateChanged(conn, from, to, cause, now);
    },
    timerSet: (conn, timer, deadline, now) => {
      for (const o of observers) o.timerSet(conn, timer, deadline, now);
    },
    timerStopped: (conn, timer, now) => {
      for (const o of observers) o.timerStopped(conn, timer, now);
    },
    timerExpired: (conn, timer, now) => {
      for (const o of observers) o.timerExpired(conn, timer, now);
    },
    noted: (conn, note, now) => {
      for (const o of observers) o.noted(conn, note, now);
    },
    called: (conn, call) => {
      for (const o of observers) o.called(conn, call);
    },
    packetDropped: (reason, detail, now) => {
      for (const o of observers) o.packetDropped(reason, detail, now);
    },
    strayArrived: (flow, seg, done, now) => {
      for (const o of observers) o.strayArrived(flow, seg, done, now);
    },
    straySent: (flow, seg, why, now) => {
      for (const o of observers) o.straySent(flow, seg, why, now);
    },
    datagram: (direction, from, to, what, now) => {
      for (const o of observers) o.datagram(direction, from, to, what, now);
    },
    turnEnds: (now) => {
      for (const o of observers) o.turnEnds(now);
    },
  };
}

/** Lets several sinks share a recorder, which takes only one. */
export const fanOutEvents =
  <E>(...sinks: readonly ((event: E) => void)[]) =>
  (event: E): void => {
    for (const sink of sinks) sink(event);
  };

/** Lets listeners share a link, which takes only one. They may come and go. */
export class LinkListenerSet implements LinkListener {
  private listeners: readonly LinkListener[];

  constructor(...listeners: readonly LinkListener[]) {
    this.listeners = listeners;
  }

  /** Tells `listener`, too, until the returned function is called. */
  add(listener: LinkListener): () => void {
    this.listeners = [...this.listeners, listener];
    return () => {
      this.listeners = this.listeners.filter((other) => other !== listener);
    };
  }

  linkDropped(...told: Parameters<LinkListener['linkDropped']>): void {
    for (const l of this.listeners) l.linkDropped(...told);
  }

  linkAltered(...told: Parameters<LinkListener['linkAltered']>): void {
    for (const l of this.listeners) l.linkAltered(...told);
  }
}
