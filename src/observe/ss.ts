/**
 * Records of sockets as `ss` of iproute2 prints them: its columns, its field names in its order,
 * its number formats.
 */
import { MILLISECOND } from '../base/time.js';
import { TcpInfoOption } from '../tcp/tcp-info-options.js';
import type { EndData, SocketRecord } from './socket-records.js';

export interface SsStyle {
  /** -n: numbers for ports, and plain numbers for rates. */
  readonly numeric: boolean;
  /** -o, -e, -m, -i. */
  readonly timers: boolean;
  readonly extended: boolean;
  readonly memory: boolean;
  readonly info: boolean;
  /** -H leaves it out. */
  readonly header: boolean;
  /** The user of the stack's process, for -e. */
  readonly uid: number;
  /** The name of a port, without -n; null if it has none. */
  readonly portName: (port: number) => string | null;
}

/** Listeners first; then by local port, peer and state. */
export function inSsOrder(records: readonly SocketRecord[]): SocketRecord[] {
  const listens = (r: SocketRecord): number => (r.state === 'LISTEN' ? 0 : 1);
  const text = (r: SocketRecord): string => `${r.peer.address} ${r.local.address}`;
  return [...records].sort(
    (a, b) =>
      listens(a) - listens(b) ||
      a.local.port - b.local.port ||
      (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : a.peer.port - b.peer.port),
  );
}

const HEADER = ['State', 'Recv-Q', 'Send-Q', 'Local Address', 'Port', 'Peer Address', 'Port'];
/** The addresses are aligned at their colon. */
const RIGHT = new Set([3, 5]);

/** The lines of the table; a record's second line begins with a tab. */
export function ssLines(records: readonly SocketRecord[], style: SsStyle): string[] {
  const rows = records.map((r) => [
    r.state,
    String(r.recvQ),
    String(r.sendQ),
    hostText(r.local),
    portText(r.local, style),
    hostText(r.peer),
    portText(r.peer, style),
  ]);
  const widths = HEADER.map((title, i) =>
    rows.reduce((most, row) => Math.max(most, row[i]!.length), style.header ? title.length : 0),
  );
  const line = (cells: readonly string[]): string => {
    const [state, recvQ, sendQ, local, localPort, peer, peerPort] = cells.map((cell, i) =>
      RIGHT.has(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!),
    );
    return `${state} ${recvQ} ${sendQ} ${local}:${localPort} ${peer}:${peerPort}`;
  };
  const lines = style.header ? [line(HEADER).trimEnd()] : [];
  records.forEach((r, i) => {
    const tail = tailOf(r, style);
    lines.push(`${line(rows[i]!)}${tail}`.trimEnd());
    const details = detailsOf(r, style);
    if (details !== '') lines.push(`\t${details}`);
  });
  return lines;
}

/** IPv6 in brackets, as `ss` prints it. */
const hostText = ({ address }: EndData): string =>
  address.includes(':') ? `[${address}]` : address;

function portText({ port }: EndData, { numeric, portName }: SsStyle): string {
  if (port === 0) return '*';
  return (numeric ? null : portName(port)) ?? String(port);
}

/** What follows the addresses. */
function tailOf(r: SocketRecord, style: SsStyle): string {
  let text = '';
  if ((style.timers || style.extended) && r.timer !== null)
    text += ` timer:(${r.timer.name},${timerText(r.timer.inUs)},${r.timer.retries})`;
  if (style.extended) {
    text += ` uid:${style.uid}`;
    if (r.sk > 0) text += ` sk:${r.sk.toString(16)}`;
    if (r.state !== 'TIME-WAIT')
      text += ` ${r.shutdown & 1 ? '-' : '<'}-${r.shutdown & 2 ? '-' : '>'}`;
  }
  return text;
}

function detailsOf(r: SocketRecord, style: SsStyle): string {
  let text = '';
  if (style.memory && r.memory !== null) {
    const { received, receiveBuffer, queued, sendBuffer } = r.memory;
    // Without the kernel's socket buffers there is nothing to count for t, f, o, bl and d.
    text += ` skmem:(r${received},rb${receiveBuffer},t0,tb${sendBuffer},f0,w${queued},o0,bl0,d0)`;
  }
  if (style.info && r.info !== null) text += infoText(r, style.numeric);
  return text;
}

/** As print_ms_timer of ss: `204ms`, `1.20sec`... with at most two units. */
export function timerText(us: number): string {
  const ms = Math.floor(us / MILLISECOND);
  const minutes = Math.floor(ms / 60_000);
  let seconds = Math.floor(ms / 1000) % 60;
  let rest = ms % 1000;
  let text = '';
  if (minutes > 0) {
    rest = 0;
    text = `${minutes}min`;
    if (minutes > 9) seconds = 0;
  }
  if (seconds > 0) {
    if (seconds > 9) rest = 0;
    text += `${seconds}${rest > 0 ? '.' : 'sec'}`;
  }
  return rest > 0 ? `${text}${String(rest).padStart(3, '0')}ms` : text;
}

/** ~0 of an unsigned 32-bit field. */
const UNKNOWN = 0xffff_ffff;
const NO_RATE = 2 ** 64;
/** ss shows no ssthresh from here on. */
const HIDDEN_SSTHRESH = 0xffff;
const DEFAULT_REORDERING = 3;

/** C's %g: six significant digits. */
const g = (n: number): string => String(Number(n.toPrecision(6)));
const ms = (us: number): string => g(us / MILLISECOND);

function rateText(bits: number, numeric: boolean): string {
  if (numeric) return `${bits.toFixed(0)}bps`;
  if (bits > 1e9) return `${(bits / 1e9).toFixed(1)}Gbps`;
  if (bits > 1e6) return `${(bits / 1e6).toFixed(1)}Mbps`;
  if (bits > 1e3) return `${(bits / 1e3).toFixed(1)}Kbps`;
  return `${g(bits)}bps`;
}

/** The fields of `ss -i` in its order; it leaves out most that are zero. */
function infoText(r: SocketRecord, numeric: boolean): string {
  const i = r.info!;
  const parts: string[] = [];
  const flag = (bit: number, name: string): void => {
    if (i.tcpi_options & bit) parts.push(name);
  };
  const add = (name: string, value: number): void => {
    if (value > 0) parts.push(`${name}:${value}`);
  };
  const addMs = (name: string, us: number): void => {
    if (us > 0) parts.push(`${name}:${ms(us)}`);
  };
  const rate = (name: string, bits: number): void => {
    if (bits > 0) parts.push(`${name} ${rateText(bits, numeric)}`);
  };
  const limited = (name: string, us: number): void => {
    if (us > 0)
      parts.push(
        `${name}:${Math.floor(us / 1000)}ms(${((100 * us) / i.tcpi_busy_time).toFixed(1)}%)`,
      );
  };
  flag(TcpInfoOption.timestamps, 'ts');
  flag(TcpInfoOption.sack, 'sack');
  flag(TcpInfoOption.ecn, 'ecn');
  flag(TcpInfoOption.ecnSeen, 'ecnseen');
  flag(TcpInfoOption.synData, 'fastopen');
  if (r.congestion !== null) parts.push(r.congestion);
  if (i.tcpi_options & TcpInfoOption.wscale)
    parts.push(`wscale:${i.tcpi_snd_wscale},${i.tcpi_rcv_wscale}`);
  addMs('rto', i.tcpi_rto);
  add('backoff', i.tcpi_backoff);
  if (i.tcpi_rtt > 0) parts.push(`rtt:${ms(i.tcpi_rtt)}/${ms(i.tcpi_rttvar)}`);
  addMs('ato', i.tcpi_ato);
  add('mss', i.tcpi_snd_mss);
  add('pmtu', i.tcpi_pmtu);
  add('rcvmss', i.tcpi_rcv_mss);
  add('advmss', i.tcpi_advmss);
  add('cwnd', i.tcpi_snd_cwnd);
  if (i.tcpi_snd_ssthresh < HIDDEN_SSTHRESH) add('ssthresh', i.tcpi_snd_ssthresh);
  add('bytes_sent', i.tcpi_bytes_sent);
  add('bytes_retrans', i.tcpi_bytes_retrans);
  add('bytes_acked', i.tcpi_bytes_acked);
  add('bytes_received', i.tcpi_bytes_received);
  add('segs_out', i.tcpi_segs_out);
  add('segs_in', i.tcpi_segs_in);
  add('data_segs_out', i.tcpi_data_segs_out);
  add('data_segs_in', i.tcpi_data_segs_in);
  if (i.tcpi_rtt > 0) rate('send', (i.tcpi_snd_cwnd * i.tcpi_snd_mss * 8e6) / i.tcpi_rtt);
  add('lastsnd', i.tcpi_last_data_sent);
  add('lastrcv', i.tcpi_last_data_recv);
  add('lastack', i.tcpi_last_ack_recv);
  if (i.tcpi_pacing_rate > 0 && i.tcpi_pacing_rate < NO_RATE) {
    const most =
      i.tcpi_max_pacing_rate < NO_RATE ? `/${rateText(8 * i.tcpi_max_pacing_rate, numeric)}` : '';
    parts.push(`pacing_rate ${rateText(8 * i.tcpi_pacing_rate, numeric)}${most}`);
  }
  rate('delivery_rate', 8 * i.tcpi_delivery_rate);
  add('delivered', i.tcpi_delivered);
  add('delivered_ce', i.tcpi_delivered_ce);
  if (i.tcpi_delivery_rate_app_limited) parts.push('app_limited');
  if (i.tcpi_busy_time > 0) parts.push(`busy:${Math.floor(i.tcpi_busy_time / 1000)}ms`);
  limited('rwnd_limited', i.tcpi_rwnd_limited);
  limited('sndbuf_limited', i.tcpi_sndbuf_limited);
  add('unacked', i.tcpi_unacked);
  if (i.tcpi_retrans > 0 || i.tcpi_total_retrans > 0)
    parts.push(`retrans:${i.tcpi_retrans}/${i.tcpi_total_retrans}`);
  add('lost', i.tcpi_lost);
  add('sacked', i.tcpi_sacked);
  add('dsack_dups', i.tcpi_dsack_dups);
  if (i.tcpi_reordering !== DEFAULT_REORDERING) parts.push(`reordering:${i.tcpi_reordering}`);
  add('reord_seen', i.tcpi_reord_seen);
  addMs('rcv_rtt', i.tcpi_rcv_rtt);
  add('rcv_space', i.tcpi_rcv_space);
  add('rcv_ssthresh', i.tcpi_rcv_ssthresh);
  add('notsent', i.tcpi_notsent_bytes);
  if (i.tcpi_min_rtt > 0 && i.tcpi_min_rtt < UNKNOWN) parts.push(`minrtt:${ms(i.tcpi_min_rtt)}`);
  add('rcv_ooopack', i.tcpi_rcv_ooopack);
  add('snd_wnd', i.tcpi_snd_wnd);
  add('rcv_wnd', i.tcpi_rcv_wnd);
  return ` ${parts.join(' ')}`;
}
