/** A host's events: by subscription, and on node:diagnostics_channel. */
import { once } from 'node:events';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, it } from 'vitest';
import { EVENT_CHANNEL, type EventMessage } from '../../src/index.js';
import { connected, twoHosts, type TwoHosts } from './two-hosts.js';

/** Connects, sends a byte and closes; resolves when the server's socket is closed. */
async function converse(hosts: TwoHosts): Promise<void> {
  const { server, ours, theirs } = await connected(hosts);
  ours.end('x');
  ours.resume();
  theirs.resume();
  await once(theirs, 'close');
  server.close();
}

it('a subscriber gets events, and the stack is not observed afterwards', async () => {
  const hosts = twoHosts();
  const names: string[] = [];
  const stop = hosts.b.events.subscribe((event) => names.push(event.name));
  await converse(hosts);
  stop();
  expect(names[0]).toBe('tcplab:trace_started');
  expect(names).toEqual(
    expect.arrayContaining(['tcp:segment_received', 'tcp:called', 'tcp:state_changed']),
  );
  expect(hosts.b.stack.observer === null).toBe(true);
});

it('the channel has the events of all hosts while it has a subscriber', async () => {
  const hosts = twoHosts();
  const from = new Set<object>();
  const listener = (message: unknown): void => {
    from.add((message as EventMessage).host);
  };
  subscribe(EVENT_CHANNEL, listener);
  await converse(hosts);
  unsubscribe(EVENT_CHANNEL, listener);
  // Hosts of other files may be open in this process. A host is too large to print.
  expect([from.has(hosts.a), from.has(hosts.b)]).toEqual([true, true]);
  await converse(hosts);
  expect([hosts.a, hosts.b].map((host) => host.stack.observer === null)).toEqual([true, true]);
});
