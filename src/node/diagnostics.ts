/**
 * Events on node:diagnostics_channel. A program, or a tool that a program knows nothing of, hears
 * each event of each stack in the process:
 *
 *     import { subscribe } from 'node:diagnostics_channel';
 *     subscribe('tcplab:event', ({ host, event }) => ...);
 */
import { channel } from 'node:diagnostics_channel';
import type { TraceEvent } from '../observe/events.js';
import type { EventHub } from '../observe/event-hub.js';

export const CHANNEL = 'tcplab:event';

/** What a subscriber of the channel gets. `host` is the Host whose stack reports. */
export interface EventMessage {
  readonly host: object;
  readonly event: TraceEvent;
}

const events = channel(CHANNEL);

/** Connects a host's events to the channel while the channel has subscribers. */
export class ChannelSink {
  private readonly host: object;
  private readonly hub: EventHub;
  private stop: (() => void) | null = null;

  constructor(host: object, hub: EventHub) {
    this.host = host;
    this.hub = hub;
    this.check();
  }

  /** Called once a turn, because a channel does not report that somebody subscribes. */
  check(): void {
    if (events.hasSubscribers === (this.stop !== null)) return;
    if (this.stop === null) {
      const { host } = this;
      this.stop = this.hub.subscribe((event) => {
        events.publish({ host, event } satisfies EventMessage);
      });
    } else {
      this.stop();
      this.stop = null;
    }
  }
}
