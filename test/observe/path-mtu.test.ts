/**
 * Explanations of a smaller path MTU, with two hosts, a router with a small MTU between them and an
 * observer at the client.
 */
import { expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import type { HopAnswer } from '../../src/device/link/hop.js';
import { NO_IMPAIRMENTS } from '../../src/device/link/link-options.js';
import { LiveLines } from '../../src/observe/live.js';
import { Recorder } from '../../src/observe/recorder.js';
import { exchange, Hosts, type HostsOptions } from '../stack/hosts.js';

/** The sentences about path MTUs, in order. */
function said(o: HostsOptions, hopAnswer: HopAnswer, version: 4 | 6): string[] {
  const lines: string[] = [];
  const live = new LiveLines((text) => lines.push(...text.split('\n')), { why: true });
  const lane = { ...NO_IMPAIRMENTS, hopMtu: 1300, hopAnswer, delay: 5 * MILLISECOND };
  const h = new Hosts({
    ...o,
    link: { in: lane },
    stack: { observer: new Recorder(live.sink, SECOND) },
  });
  exchange(h, 600_000, 0, version);
  h.settle();
  live.end();
  const about = lines
    .filter((line) => /path MTU (is|probe)|ICMP/.test(line))
    .map((line) => line.replace(/^[\d.]+ /, ''));
  return [...new Set(about.map((line) => line.replace('    why: ', '')))];
}

it.each([
  [4, '198.18.0.2 → 198.18.0.1  ICMP fragmentation needed, MTU 1300, length 556'],
  [6, 'fd74:6370:6c61:62::2 → fd74:6370:6c61:62::1  ICMP packet too big, MTU 1300, length 1240'],
] as const)('an ICMP error and what follows from it, over IPv%i', (version, error) => {
  expect(new Set(said({}, 'icmp', version))).toEqual(
    new Set([
      error,
      'the path MTU is now 1300, because ICMP says that a larger packet was too big for a link ' +
        'on the path (RFC 1191, RFC 8201)',
    ]),
  );
});

it('a guess, if the router does not report its MTU', () => {
  expect(said({}, 'no-mtu', 4)).toContain(
    'the path MTU is now 1006, because ICMP says that a packet was too big but does not give ' +
      'the limit: the next smaller common MTU is tried (RFC 1191 7.1)',
  );
});

it('a black hole, and the search for the largest packet that passes', () => {
  expect(said({ config: { mtuProbing: 1 } }, 'blackhole', 4).slice(0, 5)).toEqual([
    'the path MTU is now 1076, because of repeated timeouts: larger packets and their ICMP ' +
      'errors may be lost (a black hole, RFC 4821 7.7)',
    'path MTU probe: a packet of 1288 bytes, larger than the others (RFC 4821 7.3)',
    'the path MTU is now 1288, because a probe of that size arrived (RFC 4821 7.6.1)',
    'path MTU probe: a packet of 1394 bytes, larger than the others (RFC 4821 7.3)',
    'only the path MTU probe of 1394 bytes was lost: it was too large, and nothing above ' +
      '1393 is tried (RFC 4821 7.6.2)',
  ]);
});
