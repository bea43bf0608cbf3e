import { describe, expect, it } from 'vitest';
import { openMetrics, type MetricsSource } from '../../src/observe/openmetrics.js';
import { TcpCounters } from '../../src/tcp/counters.js';
import { countersData } from '../../src/observe/counters.js';

const counters = new TcpCounters();
counters.TcpActiveOpens = 3;
counters.TcpCurrEstab = 2;
counters.TcpExtTCPFastRetrans = 1;
counters.TcplabHalfOpenLimit = 4;

const SOURCE: MetricsSource = {
  info: { name: 'a"b\\c', device: 'tun0', version: '1', pid: 7, since: 1500, stacks: 1 },
  counters: countersData(counters),
  drops: { tcpNoSuchPort: 5 },
  states: { ESTAB: 2, LISTEN: 1 },
  memory: { allocated: 10, pressure: 20, high: 30, pressed: 0, orphans: 1 },
  device: { rxPackets: 1, rxBytes: 2, txPackets: 3, txBytes: 4, txDropped: 5 },
};

describe('openMetrics', () => {
  const lines = openMetrics(SOURCE).split('\n');

  it('is a sequence of families, each with its type, its unit and its samples', () => {
    expect(lines.slice(0, 13)).toEqual([
      '# TYPE tcplab info',
      '# HELP tcplab The stack.',
      'tcplab_info{name="a\\"b\\\\c",device="tun0",version="1",pid="7"} 1',
      '# TYPE tcplab_start_time_seconds gauge',
      '# UNIT tcplab_start_time_seconds seconds',
      '# HELP tcplab_start_time_seconds When it was opened, since 1970.',
      'tcplab_start_time_seconds 1.5',
      '# TYPE tcplab_workers gauge',
      '# HELP tcplab_workers Threads, each with a stack of its own.',
      'tcplab_workers 1',
      '# TYPE tcplab_sockets gauge',
      '# HELP tcplab_sockets Sockets by state, as ss names it.',
      'tcplab_sockets{state="ESTAB"} 2',
    ]);
    expect(lines.slice(-2)).toEqual(['# EOF', '']);
  });

  it("keeps the kernel's names of counters", () => {
    expect(lines).toContain('tcplab_netstat_Tcp_ActiveOpens_total 3');
    expect(lines).toContain('tcplab_netstat_TcpExt_TCPFastRetrans_total 1');
    expect(lines).toContain('tcplab_netstat_Tcplab_HalfOpenLimit_total 4');
    expect(lines).toContain('tcplab_netstat_Tcp_CurrEstab 2');
    expect(lines).toContain('tcplab_dropped_packets_total{reason="tcpNoSuchPort"} 5');
  });

  it("follows the format's rules", () => {
    const families = new Set<string>();
    let name = '';
    let type = '';
    for (const line of lines.slice(0, -2)) {
      const [, of, rest] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
      if (of !== undefined) {
        expect(families.has(of)).toBe(false);
        families.add(of);
        [name, type] = [of, rest!];
      } else if (line.startsWith('# UNIT ')) {
        const [unitOf, unit] = line.slice(7).split(' ');
        expect(unitOf).toBe(name);
        expect(name.endsWith(`_${unit!}`)).toBe(true);
      } else if (line.startsWith('# HELP ')) expect(line.slice(7).split(' ')[0]).toBe(name);
      else {
        const suffix = { counter: '_total', info: '_info', gauge: '' }[type]!;
        expect(line).toMatch(
          new RegExp(
            `^${name}${suffix}(\\{\\w+="(?:[^"\\\\]|\\\\.)*"(,\\w+="[^"]*")*\\})? [\\d.e+]+$`,
          ),
        );
      }
    }
  });
});
