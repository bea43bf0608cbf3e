/**
 * The visitor's own connection, as text, page and JSON: each figure with the unit that it has in
 * the control block.
 */
import { describe, expect, it } from 'vitest';
import {
  asJson,
  asPage,
  asText,
  viewOf,
  type ConnectionView,
} from '../../../src/lab/services/connection-page.js';
import { TCP_INFO_FIELDS } from '../../../src/tcp/tcp-info.js';
import { connected, twoHosts } from '../../node/two-hosts.js';

/** A server's view of a connection on which it has sent `bytes`. */
async function viewAfter(
  bytes: number,
  congestion: 'cubic' | 'none' = 'cubic',
): Promise<ConnectionView> {
  const { ours, theirs } = await connected(twoHosts({ congestionControl: congestion }));
  theirs.write(Buffer.alloc(bytes));
  let got = 0;
  for await (const chunk of ours) if ((got += (chunk as Buffer).length) >= bytes) break;
  return viewOf(theirs, performance.now() * 1000);
}

const row = (text: string, name: string): string =>
  text
    .split('\n')
    .find((line) => line.startsWith(name.padEnd(14)))
    ?.slice(14) ?? '';

describe('the connection page', () => {
  it('shows cwnd and ssthresh in segments, sizes in bytes, times in a unit that fits', async () => {
    const view = await viewAfter(100_000);
    const text = asText(view);
    const { congestion, snd } = view.snapshot;
    expect(congestion.cwnd).toBeLessThan(1000);
    expect(row(text, 'cwnd')).toMatch(
      new RegExp(`^${congestion.cwnd} segments +congestion window \\(cubic\\)`),
    );
    expect(row(text, 'ssthresh')).toMatch(/^not set /);
    expect(row(text, 'your window')).toMatch(new RegExp(`^${snd.wnd} bytes `));
    expect(row(asText(reduced(view, 7)), 'ssthresh')).toMatch(/^7 segments /);
    expect(row(asText(reduced(view, 1)), 'ssthresh')).toMatch(/^1 segment /);
    expect(asPage(reduced(view, 7))).toContain('<td>7 segments</td>');
  });

  it('shows no limit without a congestion control', async () => {
    expect(row(asText(await viewAfter(1000, 'none')), 'cwnd')).toMatch(/^no limit /);
  });

  it('says that no round trip is measured yet, and prints times of seconds in seconds', async () => {
    const view = await viewAfter(1000);
    const rtt = { ...view.snapshot.rtt, srtt: 0, minRtt: Infinity, rto: 1_000_000 };
    const text = asText({ ...view, snapshot: { ...view.snapshot, rtt } });
    expect(row(text, 'SRTT')).toMatch(/^not measured yet /);
    expect(row(text, 'RTO')).toMatch(/^1 s /);
  });

  it('names the units in JSON; a missing limit is null', async () => {
    const view = await viewAfter(1000);
    const json = JSON.parse(asJson(view)) as {
      units: Record<string, string>;
      snapshot: ConnectionView['snapshot'];
      tcpInfo: ConnectionView['tcpInfo'];
    };
    expect(json.units).toEqual({
      sizes: 'bytes',
      times: 'microseconds',
      congestion: 'segments; pacingRate: bytes a second',
      tcpInfo: 'as in struct tcp_info of Linux (linux/tcp.h)',
    });
    expect(json.tcpInfo).toEqual(view.tcpInfo);
    expect(Object.keys(json.tcpInfo).length).toBe(
      TCP_INFO_FIELDS.filter(([name]) => name !== '').length,
    );
    expect(json.snapshot.congestion.cwnd).toBe(view.snapshot.congestion.cwnd);
    expect(json.snapshot.congestion.ssthresh).toBeNull();
  });
});

const reduced = (view: ConnectionView, ssthresh: number): ConnectionView => ({
  ...view,
  snapshot: { ...view.snapshot, congestion: { ...view.snapshot.congestion, ssthresh } },
});
