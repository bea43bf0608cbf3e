/** The observer of a running stack: set late, changed and taken away. */
import { describe, expect, it } from 'vitest';
import { MINUTE } from '../../src/base/time.js';
import type { TraceEvent } from '../../src/observe/events.js';
import { Recorder } from '../../src/observe/recorder.js';
import { B4, exchange, Hosts } from './hosts.js';

describe('an observer that is set on a running stack', () => {
  it('sees open connections, with relative sequence numbers', () => {
    const hosts = new Hosts();
    const { client } = exchange(hosts, 1, 1);
    hosts.time.runUntil(() => client.established);
    const events: TraceEvent[] = [];
    hosts.a.observer = new Recorder((event) => events.push(event), hosts.time.now);
    hosts.settle(MINUTE);
    const [fin] = events.filter((e) => e.name === 'tcp:segment_received');
    expect(fin?.data.segment).toMatchObject({ relSeq: 1, relAck: 3 });
    expect(events.map((e) => e.name)).toContain('tcp:state_changed');
  });

  it('sees stray segments and drops, too, and nothing more once it is taken away', () => {
    const hosts = new Hosts();
    const names: string[] = [];
    const dial = (): void => {
      hosts.b.connect(
        { remote: B4, remotePort: 9, user: { tcpEvents: () => undefined } },
        hosts.time.now,
      );
      hosts.b.run(hosts.time.now);
    };
    hosts.b.observer = new Recorder((event) => names.push(event.name), hosts.time.now);
    dial();
    expect(names).toContain('tcp:stray_received');
    expect(names).toContain('tcp:stray_sent');
    names.length = 0;
    hosts.b.observer = null;
    dial();
    expect(names).toEqual([]);
  });
});
