/**
 * A stack's state as OpenMetrics text (the format of Prometheus). Counters of nstat keep the
 * kernel's spelling, as in Prometheus' node exporter: TcpActiveOpens is
 * `tcplab_netstat_Tcp_ActiveOpens_total`.
 */

/** What is shown: see MetricsData of the control protocol, which answers it. */
export interface MetricsSource {
  readonly info: Readonly<{
    name: string;
    device: string;
    version: string;
    pid: number;
    since: number;
    stacks: number;
  }>;
  readonly counters: Readonly<Record<string, number>>;
  readonly drops: Readonly<Record<string, number>>;
  readonly states: Readonly<Record<string, number>>;
  readonly memory: Readonly<{
    allocated: number;
    pressure: number;
    high: number;
    pressed: number;
    orphans: number;
  }>;
  readonly device: Readonly<{
    rxPackets: number;
    rxBytes: number;
    txPackets: number;
    txBytes: number;
    txDropped: number;
  }>;
}

export const OPENMETRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** A metric family. A counter's samples end in `_total`, an info's in `_info`. */
interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'info';
  readonly help: string;
  /** The name ends with it. */
  readonly unit?: 'bytes' | 'seconds';
  readonly samples: readonly Sample[];
}

const SUFFIXES = { counter: '_total', gauge: '', info: '_info' } as const;

export function openMetrics(m: MetricsSource): string {
  return [...familiesOf(m).flatMap(linesOf), '# EOF', ''].join('\n');
}

function linesOf({ name, type, help, unit, samples }: Family): string[] {
  return [
    `# TYPE ${name} ${type}`,
    ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
    `# HELP ${name} ${escape(help)}`,
    ...samples.map(([labels, value]) => `${name}${SUFFIXES[type]}${labelText(labels)} ${value}`),
  ];
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const escape = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

const by = (label: string, counts: Readonly<Record<string, number>>): Sample[] =>
  Object.entries(counts).map(([name, n]) => [{ [label]: name }, n]);
const one = (value: number): Sample[] => [[{}, value]];

function familiesOf({ info, counters, drops, states, memory, device }: MetricsSource): Family[] {
  const { name, version, pid } = info;
  const gauge = (of: string, help: string, value: number, unit?: 'bytes' | 'seconds'): Family => ({
    name: `tcplab_${of}`,
    type: 'gauge',
    help,
    samples: one(value),
    ...(unit === undefined ? {} : { unit }),
  });
  const counter = (of: string, help: string, value: number, unit?: 'bytes'): Family => ({
    ...gauge(of, help, value, unit),
    type: 'counter',
  });
  return [
    {
      name: 'tcplab',
      type: 'info',
      help: 'The stack.',
      samples: [[{ name, device: info.device, version, pid: String(pid) }, 1]],
    },
    gauge('start_time_seconds', 'When it was opened, since 1970.', info.since / 1000, 'seconds'),
    gauge('workers', 'Threads, each with a stack of its own.', info.stacks),
    {
      name: 'tcplab_sockets',
      type: 'gauge',
      help: 'Sockets by state, as ss names it.',
      samples: by('state', states),
    },
    gauge('memory_bytes', 'Memory of all connections.', memory.allocated, 'bytes'),
    gauge('memory_pressure_bytes', 'Buffers stop growing here.', memory.pressure, 'bytes'),
    gauge('memory_high_bytes', 'The hard limit.', memory.high, 'bytes'),
    gauge('memory_pressed', 'Stacks under memory pressure.', memory.pressed),
    gauge('orphans', 'Connections that their program has closed.', memory.orphans),
    counter('device_receive_packets', 'Packets from the device.', device.rxPackets),
    counter('device_receive_bytes', 'Bytes of these packets.', device.rxBytes, 'bytes'),
    counter('device_transmit_packets', 'Packets to the device.', device.txPackets),
    counter('device_transmit_bytes', 'Bytes of these packets.', device.txBytes, 'bytes'),
    counter('device_transmit_drop', 'Packets that the device did not take.', device.txDropped),
    {
      name: 'tcplab_dropped_packets',
      type: 'counter',
      help: 'Packets that the stack or its link dropped, by reason.',
      samples: by('reason', drops),
    },
    ...Object.entries(counters).map(([kernel, value]) => netstat(kernel, value)),
  ];
}

/** TcpCurrEstab is the only one that goes down. */
function netstat(kernel: string, value: number): Family {
  const group = /^(?:TcpExt|IpExt|Tcplab|Tcp)/.exec(kernel)?.[0] ?? '';
  return {
    name: `tcplab_netstat_${group}_${kernel.slice(group.length)}`,
    type: kernel === 'TcpCurrEstab' ? 'gauge' : 'counter',
    help: `nstat's ${kernel}.`,
    samples: one(value),
  };
}
