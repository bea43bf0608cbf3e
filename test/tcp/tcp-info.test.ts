/**
 * TCP_INFO: the layout of the struct, and values in states that are difficult to reach in a packet
 * script.
 */
import { describe, expect, it } from 'vitest';
import { TCP_INFO_FIELDS } from '../../src/tcp/tcp-info.js';
import { SECOND } from '../../src/base/time.js';
import { Peer } from './peer.js';

const names = TCP_INFO_FIELDS.map(([name]) => name).filter((name) => name !== '');

describe('struct tcp_info', () => {
  it("has the size of Linux 6.18's, and no field twice", () => {
    expect(TCP_INFO_FIELDS.reduce((sum, [, bits]) => sum + bits, 0)).toBe(8 * 280);
    expect(new Set(names).size).toBe(names.length);
  });

  it("has every field, in the struct's order, as whole numbers", () => {
    const s = Peer.established();
    const info = s.conn.tcpInfo(s.now);
    expect(Object.keys(info)).toEqual(names);
    for (const [name, bits] of TCP_INFO_FIELDS) {
      if (name === '') continue;
      expect(Number.isInteger(info[name]), name).toBe(true);
      expect(info[name] >= 0 && info[name] <= 2 ** bits, name).toBe(true);
    }
  });

  it('has ~0 instead of Infinity for no limit', () => {
    const s = Peer.established();
    const { tcpi_snd_ssthresh, tcpi_max_pacing_rate } = s.conn.tcpInfo(s.now);
    expect([tcpi_snd_ssthresh, tcpi_max_pacing_rate]).toEqual([0x7fffffff, 2 ** 64]);
  });
});

it('reports loss recovery while a SYN is retransmitted, as in Linux', () => {
  const s = Peer.connect();
  s.wait(3.5 * SECOND);
  expect(s.conn.tcpInfo(s.now)).toMatchObject({
    tcpi_state: 2,
    tcpi_ca_state: 4,
    tcpi_unacked: 1,
    tcpi_lost: 1,
    tcpi_retrans: 1,
    tcpi_total_rto_recoveries: 1,
  });
});
