/** Listeners that come and go on a running stack. */
import { describe, expect, it } from 'vitest';
import { MINUTE } from '../../src/base/time.js';
import { EventHub } from '../../src/observe/event-hub.js';
import type { TraceEvent } from '../../src/observe/events.js';
import { exchange, Hosts } from '../stack/hosts.js';

function hosts(): { h: Hosts; hub: EventHub } {
  const h = new Hosts();
  const hub = new EventHub(h.a, { start: h.time.now, startedAt: 1e15, version: '1.2.3' });
  return { h, hub };
}

describe('EventHub', () => {
  it('observes the stack only while somebody listens', () => {
    const { h, hub } = hosts();
    expect(h.a.observer).toBeNull();
    const stop = hub.subscribe(() => undefined);
    const stopOther = hub.subscribe(() => undefined);
    expect(h.a.observer).not.toBeNull();
    stop();
    expect(hub.listeners).toBe(1);
    stopOther();
    stopOther();
    expect(h.a.observer).toBeNull();
  });

  it('begins each stream with the version of the schema', () => {
    const { hub } = hosts();
    const events: TraceEvent[] = [];
    hub.subscribe((event) => events.push(event));
    expect(events).toEqual([
      {
        time: 0,
        name: 'tcplab:trace_started',
        group_id: '',
        rfc: null,
        data: { schema: 1, version: '1.2.3', startedAt: 1e15 },
      },
    ]);
  });

  it('a listener that comes late gets what happens from then on', () => {
    const { h, hub } = hosts();
    const early: TraceEvent[] = [];
    const late: TraceEvent[] = [];
    hub.subscribe((event) => early.push(event));
    const { client } = exchange(h, 1000, 1000);
    h.time.runUntil(() => client.established);
    const seen = early.length;
    hub.subscribe((event) => late.push(event));
    h.settle(MINUTE);
    expect(late.slice(1)).toEqual(early.slice(seen));
    expect(late.length).toBeGreaterThan(5);
  });

  it('leaves the observer that was there before', () => {
    const { h } = hosts();
    const names: string[] = [];
    const before = new EventHub(h.a, { start: 0, startedAt: 0, version: '' });
    before.subscribe((event) => names.push(event.name));
    const observer = h.a.observer;
    const hub = new EventHub(h.a, { start: 0, startedAt: 0, version: '' });
    const stop = hub.subscribe(() => undefined);
    exchange(h, 10, 10);
    expect(names).toContain('tcp:segment_sent');
    stop();
    expect(h.a.observer).toBe(observer);
  });
});

describe('metrics, buffers and calls', () => {
  it('are told once a turn, with what changed them', () => {
    const { h, hub } = hosts();
    const events: TraceEvent[] = [];
    hub.subscribe((event) => events.push(event));
    exchange(h, 3000, 3000);
    h.settle(MINUTE);
    const of = <N extends TraceEvent['name']>(name: N): Extract<TraceEvent, { name: N }>[] =>
      events.filter((e): e is Extract<TraceEvent, { name: N }> => e.name === name);
    const [first] = of('tcp:called');
    expect(first?.data).toEqual({ call: 'send', bytes: 3000, taken: 3000 });
    const rtt = of('recovery:metrics_updated').find((e) => e.data.srtt !== null);
    expect(rtt?.data.because).toContain('segment-received');
    expect(of('tcp:buffers_updated').map((e) => e.data.sendQueued)).toContain(3000);
    expect(of('tcp:called').map((e) => e.data.call)).toEqual(
      expect.arrayContaining(['send', 'receive', 'shutdown']),
    );
    for (const { because } of of('recovery:metrics_updated').map((e) => e.data))
      expect(because.length).toBeGreaterThan(0);
  });
});
