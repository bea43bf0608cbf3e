/** Explanations of ECN and Fast Open, with two hosts and an observer at the server. */
import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import { NO_IMPAIRMENTS } from '../../src/device/link/link-options.js';
import { Explainer } from '../../src/observe/explain.js';
import { Recorder } from '../../src/observe/recorder.js';
import { segmentOf, StepBuilder } from '../../src/observe/steps.js';
import { compactText } from '../../src/observe/text.js';
import { exchange, B4, Hosts, type HostsOptions } from '../stack/hosts.js';

/**
 * Both stacks have the same recorder. Each step has its segment's line and the sentences under it.
 */
function watched(o: HostsOptions): {
  h: Hosts;
  steps: { line: string; why: string }[];
  flush: () => void;
} {
  const explainer = new Explainer();
  const steps: { line: string; why: string }[] = [];
  const builder = new StepBuilder((step) => {
    const segment = segmentOf(step);
    steps.push({
      line: segment === null ? '' : compactText(segment),
      why: explainer.why(step).join('\n'),
    });
  });
  const recorder = new Recorder(builder.add, SECOND);
  const h = new Hosts({ ...o, stack: { observer: recorder } });
  return { h, steps, flush: () => builder.flush() };
}

it('a mark, its echo and the answer are explained', () => {
  const link = { ...NO_IMPAIRMENTS, mark: 0.03, delay: 5 * MILLISECOND };
  const { h, steps, flush } = watched({ config: { ecn: 1 }, link: { in: link } });
  exchange(h, 300_000, 0);
  h.settle();
  flush();
  const whyOf = (line: RegExp): string => {
    const found = steps.filter((s) => line.test(s.line));
    return found.map((s) => s.why).join('\n');
  };
  expect(whyOf(/ CE/)).toContain('our ACKs carry ECE until CWR arrives (RFC 3168 6.1.3)');
  expect(whyOf(/W\]/)).toContain('CWR: the sender has slowed down');
  const reduced = 'the congestion window is reduced to \\d+ segments, as after a loss';
  expect(whyOf(/\.E\]/)).toMatch(new RegExp(`ECE: a router marked our data; ${reduced}`));
});

describe('Fast Open', () => {
  it('the request, the grant, the cookie and the early data are explained', () => {
    const { h, steps, flush } = watched({ config: { fastOpen: 3 } });
    h.b.listen({
      port: 80,
      fastOpen: 5,
      user: {
        tcpAccept(conn) {
          conn.user = { tcpEvents: (c) => void c.receive() };
          return true;
        },
      },
    });
    const ask = (): void => {
      const conn = h.a.connect(
        { remote: B4, remotePort: 80, fastOpen: true, user: { tcpEvents: () => undefined } },
        h.time.now,
      );
      conn.send(new Uint8Array(50));
      h.a.wake(conn);
      h.a.run(h.time.now);
      h.settle(SECOND);
    };
    ask();
    ask();
    h.b.tcp.fastOpenCookies.setKeys(new Uint8Array(16));
    ask();
    flush();
    const why = (pattern: RegExp): string[] =>
      steps.filter((s) => pattern.test(s.line)).map((s) => s.why);
    expect(why(/^\[S\] .*tfo cookiereq/).join()).toContain('it asks for a Fast Open cookie');
    expect(why(/^\[S\.\] .*tfo cookie /).join()).toContain('it grants a Fast Open cookie');
    expect(why(/^\[S\] .*len=50 .*tfo cookie /).join()).toContain(
      'proves that the server has answered this address before',
    );
    expect(why(/^\[S\] .*len=50 .*tfo cookie /).join()).toContain(
      'the cookie is valid: the application gets 50 bytes of data before the handshake ends',
    );
    expect(steps.map((s) => s.why).join()).toContain(
      'the server did not accept 50 bytes of data in our SYN',
    );
  });
});
