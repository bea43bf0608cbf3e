/**
 * One line each that takes a rule away. `npm run mutants` applies them one at a time to what the tests see (the files stay as
 * they are), runs the named test, and expects it to fail: a test that passes all the same proves nothing.
 */
export interface Mutant {
  /** The requirement whose rule it breaks; the page docs/rfc-coverage.md links the two. */
  readonly id: string;
  readonly file: string;
  /** Stands in `file` exactly once... */
  readonly search: string;
  /** ...and becomes this. */
  readonly replace: string;
  /** The test that must fail: its file, and a regular expression for its full name. */
  readonly test: string;
  readonly name: string;
}

const m = (
  id: string,
  file: string,
  search: string,
  replace: string,
  test: string,
  name = `${id.split(', ')[0]}\\b`,
): Mutant => ({
  id,
  file,
  search,
  replace,
  test,
  name,
});

const [
  ACKNOWLEDGMENT,
  CONFIG,
  CONGESTION,
  CONNECTION,
  INPUT,
  OUTPUT,
  RECEIVE_WINDOW,
  RECEIVER,
  RECOVERY,
  RENO,
  RTT,
  SENDER,
  TIMEOUTS,
] = [
  'src/tcp/ack.ts',
  'src/tcp/config.ts',
  'src/tcp/congestion/index.ts',
  'src/tcp/connection.ts',
  'src/tcp/input.ts',
  'src/tcp/output.ts',
  'src/tcp/receive-window.ts',
  'src/tcp/receiver.ts',
  'src/tcp/recovery.ts',
  'src/tcp/congestion/reno.ts',
  'src/tcp/rtt.ts',
  'src/tcp/sender.ts',
  'src/tcp/timeouts.ts',
] as const;
const WIRE = 'src/wire/tcp.ts';
const PUSH = 'src/tcp/push.ts';
const SOCKET_OPTIONS = 'src/tcp/socket-options.ts';
const [CONTROL, HAND_OVER] = ['src/tcp/control-output.ts', 'src/tcp/hand-over.ts'] as const;
const [ADDRESSES, EGRESS, HOST_TCP, ICMP, IPV4, ISN, PASSIVE, STACK, TCP_EGRESS, TIME_WAIT, TIME_WAIT_TABLE] = [
  'src/ip/local-addresses.ts',
  'src/stack/egress.ts',
  'src/stack/tcp-host.ts',
  'src/tcp/icmp.ts',
  'src/wire/ipv4.ts',
  'src/tcp/isn.ts',
  'src/stack/tcp-passive.ts',
  'src/stack/stack.ts',
  'src/stack/tcp-egress.ts',
  'src/tcp/time-wait.ts',
  'src/stack/time-wait-table.ts',
] as const;

const HOST = 'test/requirements/host.test.ts';
const TYPE_OF_SERVICE = 'test/requirements/type-of-service.test.ts';
const ECN = 'test/tcp/ecn.test.ts';
const [BBR_LAWS, CUBIC_LAWS, RENO_LAWS] = [
  'test/tcp/congestion/bbr.test.ts',
  'test/tcp/congestion/cubic.test.ts',
  'test/tcp/congestion/reno.test.ts',
] as const;
const URGENT = 'test/tcp/urgent.test.ts';
const [ACK, CLOSE, HANDSHAKE, OPTIONS, RETRANSMISSION, SENDING, WINDOW] = [
  'test/tcp/ack.test.ts',
  'test/tcp/close.test.ts',
  'test/tcp/handshake.test.ts',
  'test/requirements/options.test.ts',
  'test/tcp/retransmission.test.ts',
  'test/tcp/sending.test.ts',
  'test/tcp/window.test.ts',
] as const;

export const MUTANTS: readonly Mutant[] = [
  // A whole host: sections 3.1, 3.4.1, 3.6.1 and 3.9.
  m(
    'MUST-2',
    EGRESS,
    '~sumOfPieces(p, checksumAdd(p.slab.view, tcpAt, p.start + p.headBytes - tcpAt, sum)) & 0xffff',
    '0',
    HOST,
  ),
  m('MUST-3', STACK, 'if (!trusted && !tcpChecksumHolds(slab, ip)) {', 'if (false) {', HOST),
  m('MUST-8', ISN, '(Math.floor(now / MICROS_PER_TICK) + f)', '(Math.floor(now / 1000) + f)', HOST),
  m('MUST-9', ISN, 'new SipHash(secret)', 'new SipHash(new Uint8Array(16))', HOST),
  m('SHLD-1', ISN, 'w[8] = ports;', '', HOST),
  m('MUST-13', TIME_WAIT_TABLE, '= now + this.duration;', '= now + this.duration / 2;', HOST, 'MUST-13: lasts'),
  m('MUST-13', PASSIVE, 'timeWait.restart(row, now);', '', HOST, 'MUST-13: the FIN'),
  m('MAY-2', TIME_WAIT, 'if (newer || seqGt(seg.seq, record.rcvNxt))', 'if (newer)', HOST, 'MAY-2: a SYN'),
  m('MAY-2', ISN, 'before === null || seqGt(iss, before.sndNxt) ? iss', 'true ? iss', HOST, 'MAY-2: the new'),
  m('SHLD-4', TIME_WAIT, 'if (newer || seqGt(seg.seq, record.rcvNxt))', 'if (seqGt(seg.seq, record.rcvNxt))', HOST),
  m('SHLD-4', TIME_WAIT, 'record.tsRecent) | 0) > 0;', 'record.tsRecent) | 0) >= 0;', HOST),
  m(
    'MUST-41',
    HOST_TCP,
    'if (entry !== null) this.arrivesAt(entry, ip, seg, now);',
    'if (false) this.arrivesAt(entry!, ip, seg, now);',
    HOST,
  ),
  m(
    'MUST-42',
    HOST_TCP,
    'this.passive.listeners.add(listener);',
    'if (!this.all.isPortInUse(port)) this.passive.listeners.add(listener);',
    HOST,
  ),
  m('MUST-43', HOST_TCP, 'o.local ?? this.o.sourceFor(remote)', 'this.o.sourceFor(remote)', HOST),
  m('MUST-44', ADDRESSES, 'p.contains(remote.w0, remote.w1, remote.w2, remote.w3) ? 1024 : 0', '0', HOST),
  m('MUST-45', TCP_EGRESS, 'ip.s3 = local.w3;', 'ip.s3 = seg.flags & 2 ? local.w3 : local.w3 ^ 1;', HOST),
  m('MUST-46', HOST_TCP, 'if (remote.isMulticast || this.o.isBroadcast(remote)) {', 'if (false) {', HOST),
  m('MUST-46', HOST_TCP, 'if (remote.isMulticast || this', 'if (this', HOST),
  m('MUST-46', HOST_TCP, '|| this.o.isBroadcast(remote)) {', ') {', HOST),
  m('MUST-47', CONNECTION, 'this.raise(TcpEvent.softError);', ';', HOST),
  m('SHLD-25', ICMP, 'c.reportSoftError(e.errno);', '', HOST, 'MUST-47, SHLD-25'),
  m('SHLD-20', CONNECTION, 'if (this.softErrorReports)', 'if (true)', HOST),
  m('MUST-49', TCP_EGRESS, 'ip.ttl = e.ttl;', 'ip.ttl = 64;', HOST),
  m('MUST-48', 'src/stack/syn-queue.ts', 'entry.tos = listener.tos;', '', TYPE_OF_SERVICE),
  m('MUST-48', HOST_TCP, 'entry.tos = tos;', '', TYPE_OF_SERVICE),
  m('SHLD-21', HOST_TCP, '(conn.flow as TcpEntry).tos = dscpOf(tos);', '', TYPE_OF_SERVICE),
  m('SHLD-22', TCP_EGRESS, 'ip.tos = e.tos | seg.ecn;', 'ip.tos = (e.tos & 0xe0) | seg.ecn;', TYPE_OF_SERVICE),
  m('MAY-9', HOST_TCP, 'entry.receivedTos = ip.tos;', '', TYPE_OF_SERVICE),
  m('MUST-50', IPV4, 'if (headerBytes < IPV4_HEADER_BYTES ||', 'if (headerBytes !== IPV4_HEADER_BYTES ||', HOST),
  m(
    'MUST-54',
    HOST_TCP,
    'icmpErrorArrives(entry.conn, e, now);',
    'for (const x of this.all.flows) icmpErrorArrives(x.conn, { ...e, seq: x.conn.snd.una }, now);',
    HOST,
    'MUST-54: reaches',
  ),
  m(
    'MUST-54',
    'src/tcp/path-mtu.ts',
    'if (seqGeq(seq, c.snd.una) && seqLt(seq, c.snd.nxt)) return true;',
    'return true;',
    HOST,
    'MUST-54: counts',
  ),
  m('MUST-55', ICMP, "if (e.errno === '') return;", '', HOST),
  m('MUST-56', ICMP, 'if (c.isOpening && endsOpening(c, e)) {', 'if (true) {', HOST),
  m('MUST-56', ICMP, 'return e.hard || c.config.icmpAbortsSynSent;', 'return c.state === State.synSent;', HOST),
  m('SHLD-26', ICMP, 'return e.hard || c.config', 'return c.config', HOST),
  m('MUST-57', STACK, 'return Drop.tcpSynToMulticast;', '{}', HOST),
  m('MUST-63', ADDRESSES, 'source >>> 28 >= 0xe ||', '', HOST),
  m('MUST-63', ADDRESSES, '|| this.isSubnetBroadcast(source)) return', ') return', HOST),
  m(
    'MUST-4',
    WIRE,
    'if (kind === TcpOption.EOL) return Drop.none;',
    'if (kind === TcpOption.EOL) { o++; continue; }',
    OPTIONS,
  ),
  m('MUST-4', WIRE, 'if (kind === TcpOption.NOP) {', 'if (false) {', OPTIONS),
  m('MUST-4', WIRE, 'if (length === 4) out.mss = u16(b, o + 2);', '', OPTIONS),
  m('MUST-69', WIRE, 'b[o + 12] = ((headerBytes / 4) << 4)', 'b[o + 12] = ((headerBytes / 4 + 1) << 4)', OPTIONS),
  m(
    'MUST-20',
    TIMEOUTS,
    'const expired = snd.timeouts > 0 && isOverdue(c, now);',
    'const expired = false;',
    RETRANSMISSION,
    'MUST-20',
  ),
  // Options: RFC 9293 sections 3.1 and 3.2.
  m('MUST-6', WIRE, '    o += length;', '    o += 1;', OPTIONS),
  m('MUST-7, MUST-68', WIRE, 'if (length < 2 || o + length > end)', 'if (length < 2)', OPTIONS),
  m('MUST-7', WIRE, 'if (length < 2 || o + length > end)', 'if (length < 1 || o + length > end)', OPTIONS),
  m('MUST-64', WIRE, '      o++;', '      o += 4;', OPTIONS),
  m('MUST-5', INPUT, 'if (c.timestamps && seg.hasTimestamps) c.rcv.updateTsRecent(seg, now);', '', HANDSHAKE),
  m('MUST-65', HAND_OVER, 'const before = rcv.wnd;', 'const before = rcv.wnd; seg.mss = c.advertisedMss;', HANDSHAKE),

  // Windows are unsigned, and wide.
  m('MUST-1', SENDER, 'this.wnd = wnd;', 'this.wnd = (wnd << 16) >> 16;', WINDOW),
  m('REC-1', SENDER, 'this.wnd = wnd;', 'this.wnd = wnd & 0xffff;', WINDOW),

  // Opening, and the MSS: sections 3.5 and 3.7.1.
  m(
    'MUST-10',
    INPUT,
    'if (c.state === State.synReceived && seg.has(TcpFlag.SYN) && seg.has(TcpFlag.ACK) && seg.seq === rcv.irs) {',
    'if (false) {',
    HANDSHAKE,
  ),
  m(
    'MUST-10',
    INPUT,
    "c.setState(State.synReceived, 'receive SYN without ACK: simultaneous open', now);",
    "c.finish('ECONNREFUSED', 'no simultaneous open', now);",
    HANDSHAKE,
  ),
  m('MUST-11', INPUT, "c.finish(c.passive ? 'ECONNRESET' : 'ECONNREFUSED',", "c.finish('ECONNRESET',", HANDSHAKE),
  m('MUST-11', INPUT, "c.finish(c.passive ? 'ECONNRESET' : 'ECONNREFUSED',", "c.finish('ECONNREFUSED',", HANDSHAKE),
  m('MUST-14', CONTROL, 'seg.mss = c.advertisedMss; //', '//', HANDSHAKE),
  m('MUST-15', CONNECTION, 'syn.mss >= 0 ? syn.mss : this.defaultMss;', 'syn.mss >= 0 ? syn.mss : 536;', HANDSHAKE),
  m('MUST-15', CONNECTION, 'syn.mss >= 0 ? syn.mss : this.defaultMss;', 'syn.mss >= 0 ? syn.mss : 1220;', HANDSHAKE),
  m('MUST-14', CONNECTION, 'syn.mss >= 0 ? syn.mss : this.defaultMss;', 'this.defaultMss;', HANDSHAKE),
  m('MUST-16', CONNECTION, 'optionBytes = this.timestamps ? 12 : 0;', 'optionBytes = 0;', HANDSHAKE),
  m('SHLD-5, MAY-3', CONTROL, 'seg.mss = c.advertisedMss; //', '//', HANDSHAKE),
  m('MUST-67', CONTROL, 'seg.mss = c.advertisedMss; //', 'seg.mss = c.advertisedMss - 12; //', HANDSHAKE),
  m('MUST-22', TIMEOUTS, 'c.synOwed = true;', '', HANDSHAKE),
  m('MUST-23', TIMEOUTS, '(mayGiveUp && c.synTries >= most)', 'c.synTries >= 5', HANDSHAKE),

  // Closing: section 3.6.
  m('MUST-12', INPUT, "c.finish('ECONNRESET', 'receive RST', now);", "c.finish(null, 'receive RST', now);", CLOSE),
  m(
    'SHLD-2',
    INPUT,
    'if (!seg.has(TcpFlag.RST)) return true;',
    'if (!seg.has(TcpFlag.RST) || seg.payloadBytes > 0) return true;',
    CLOSE,
  ),
  m('SHLD-3, MAY-1', 'src/tcp/user-calls.ts', 'if (this.rcv.queue.length > 0)', 'if (false', CLOSE, 'SHLD-3, MAY-1'),
  m('SHLD-3', INPUT, 'if (rcv.orphaned && seqGt(', 'if (false && seqGt(', CLOSE, 'SHLD-3: data'),
  m('MUST-66', RECEIVER, 'if (wnd === 0) return seq === this.nxt;', 'if (wnd === 0) return false;', CLOSE),
  m(
    'MUST-66',
    RECEIVER,
    'if (wnd === 0) return seq === this.nxt;',
    'if (wnd === 0) return len === 0 && seq === this.nxt;',
    CLOSE,
  ),
  m('MUST-66', INPUT, 'takeUrgent(c, seg, now);', ';', CLOSE),

  // Retransmission: section 3.8.1 (RFC 6298), 3.8.2 (RFC 5681), 3.8.3.
  m(
    'MUST-18',
    RTT,
    'this.srtt += (r - this.srtt) / 8;',
    'this.srtt += (r - this.srtt) / 4;',
    RETRANSMISSION,
    'MUST-18: updates',
  ),
  m('MUST-18', RTT, 'this.rttvar = r / 2;', 'this.rttvar = r;', RETRANSMISSION, 'MUST-18: takes'),
  m(
    'MUST-18',
    ACKNOWLEDGMENT,
    'news.resentAcked = true;',
    'news.firstAckedAt = r.sentAt; news.lastAckedAt = r.sentAt;',
    RETRANSMISSION,
    'MUST-18: Karn',
  ),
  m('MUST-19', TIMEOUTS, 'snd.rtt.backoff++;', '', RETRANSMISSION, 'MUST-19: backs off'),
  m('MUST-19', RECOVERY, 'congestion.cwnd = sent.inFlight + 1; // LW', '', RETRANSMISSION, 'MUST-19: backs off'),
  m('MUST-19', RENO, 'if (this.cwnd < this.ssthresh) {', 'if (false) {', RETRANSMISSION, 'MUST-19: slow start'),
  m(
    'MUST-19',
    RENO,
    'this.growth.avoid(this.cwnd, this.cwnd, acked)',
    'this.cwnd + acked',
    RETRANSMISSION,
    'MUST-19: congestion avoidance',
  ),
  m('MUST-19', RENO, 'Math.floor(window / 2)', 'window', RENO_LAWS, 'MUST-19: the sawtooth'),
  m('MAY-18', CONGESTION, 'return new NoCongestionControl();', 'return new Reno();', RETRANSMISSION),
  m('MAY-18', 'src/tcp/congestion/cubic.ts', 'Math.cbrt((this.wMax - this.cwnd) / C)', '0', CUBIC_LAWS),
  m('MAY-18', 'src/tcp/congestion/bbr-path.ts', 'this.isFull = ++', 'this.isFull = false && ++', BBR_LAWS),
  m('SHLD-11', CONFIG, 'retries2: 15,', 'retries2: 3,', RETRANSMISSION),
  m('SHLD-9', TIMEOUTS, "c.reportSoftError('ETIMEDOUT');", '', RETRANSMISSION),
  m('SHLD-10', CONFIG, 'retries1: 3,', 'retries1: 2,', RETRANSMISSION),
  m('MUST-21', TIMEOUTS, 'if (c.userTimeout > 0) return elapsed >= c.userTimeout; // MUST-21', '', RETRANSMISSION),

  m('SHLD-8', 'src/tcp/ecn-receiver.ts', 'this.echo = true;', '', ECN),
  m('SHLD-8', HAND_OVER, 'if (rcv.ecn.echo) seg.flags |= TcpFlag.ECE;', '', ECN),

  // Urgent data: section 3.8.5.
  m('MUST-30', HAND_OVER, 'if (isUrgent(c.snd)) announceUrgent(c.snd, seg);', '', URGENT),
  m('MUST-32', INPUT, 'takeUrgent(c, seg, now);', ';', URGENT),
  m('MUST-31', 'src/tcp/urgent.ts', 'c.snd.up = c.snd.dataEnd;', 'c.snd.up = (c.snd.nxt + 1) | 0;', URGENT),
  m('MUST-32', 'src/tcp/urgent-receiver.ts', '(this.pending && !seqGt(up, this.up))', 'this.pending', URGENT),
  m('MUST-33', 'src/tcp/urgent.ts', 'Math.max(0, seqDiff(urgent.up, c.rcv.unread))', '1', URGENT),
  m('MUST-62', 'src/tcp/urgent-receiver.ts', 'return (this.up - 1) | 0;', 'return this.up;', URGENT, 'MUST-62: on'),
  m(
    'MUST-62',
    'src/tcp/urgent.ts',
    'seg.urgentPointer = Math.min(ahead, ',
    'seg.urgentPointer = Math.min(ahead - 1, ',
    URGENT,
    'MUST-62: sent',
  ),

  // Keep-alive: section 3.8.4.
  m('MUST-24', SOCKET_OPTIONS, 'this.keepAlive = on;', '', SENDING, 'MUST-24, MUST-28'),
  m('MUST-24', SOCKET_OPTIONS, 'this.keepAlive = on;', 'this.keepAlive = true;', SENDING, 'MUST-24: can'),
  m('MUST-25', CONFIG, 'keepAlive: false,', 'keepAlive: true,', SENDING),
  m('MUST-26', TIMEOUTS, 'if (busy || now < idleUntil) {', 'if (false) {', SENDING),
  m('MUST-26', TIMEOUTS, '|| now < idleUntil) {', ') {', SENDING),
  m('MUST-27', SOCKET_OPTIONS, 'if (idle !== undefined) this.keepAliveIdle = idle;', '', SENDING),
  m('MUST-28', CONFIG, 'keepAliveIdle: 7200 * SECOND,', 'keepAliveIdle: 7199 * SECOND,', SENDING),
  m('MUST-29', TIMEOUTS, 'c.keepAliveUnanswered >= c.keepAliveProbes;', 'c.keepAliveUnanswered >= 1;', SENDING),
  m('SHLD-12', CONTROL, 'seg.seq = seq;', 'seg.seq = seq; seg.source = c.snd.buffer; seg.payloadBytes = 1;', SENDING),
  m('MAY-5', CONNECTION, 'if (this.keepAlive) this.setTimer(', 'if (false) this.setTimer(', SENDING),

  // The peer's window, and ours: section 3.8.6.
  m(
    'MUST-34, SHLD-15',
    OUTPUT,
    'const window = snd.usableWindow;',
    'const window = Math.abs(snd.usableWindow);',
    WINDOW,
  ),
  m('SHLD-15', OUTPUT, 'Math.min(window, allowance, unsent);', 'Math.min(allowance, unsent);', WINDOW),
  m(
    'SHLD-14',
    RECEIVE_WINDOW,
    'const up = roundUp(current, unit);',
    'const up = current - (current % unit);',
    WINDOW,
    'SHLD-14: never',
  ),
  m('SHLD-16', OUTPUT, 'i === 0 ? snd.mss : seqDiff(', 'seqDiff(', WINDOW),
  m(
    'SHLD-17',
    TIMEOUTS,
    'if (snd.wnd === 0) return elapsed > 2 * most',
    'if (false) return elapsed > 2 * most',
    WINDOW,
  ),
  m('MUST-35, MUST-36', OUTPUT, 'if (c.probeOwed) sendProbe(c, now, out);', '', WINDOW),
  m('SHLD-29', TIMEOUTS, 'Math.min(snd.rtt.rto * 2 ** Math.min(', 'Math.min(2 * snd.rtt.rto * 2 ** Math.min(', WINDOW),
  m(
    'SHLD-30',
    TIMEOUTS,
    'Math.min(snd.rtt.rto * 2 ** Math.min(snd.probesSent, config.retries2), snd.rtt.max);',
    'Math.min(snd.rtt.rto, snd.rtt.max);',
    WINDOW,
  ),
  m('MUST-37, MAY-8', ACKNOWLEDGMENT, 'snd.probesUnanswered = 0;', '', WINDOW),
  m(
    'MUST-38',
    OUTPUT,
    'return room === window && room >= snd.maxWnd / 2 ? room : 0;',
    'return room;',
    WINDOW,
    'MUST-38: sends no',
  ),
  m('MUST-38', OUTPUT, 'if (snd.overrideSillyWindow) return room;', '', WINDOW, 'MUST-38: sends what fits'),
  m(
    'MUST-39',
    RECEIVE_WINDOW,
    'if (free >= full / 2 || (free >= segment && free >= space / 16)) {',
    'if (true) {',
    WINDOW,
  ),

  m(
    'MUST-38',
    OUTPUT,
    'return room === window && room >= snd.maxWnd / 2 ? room : 0;',
    'return 0;',
    WINDOW,
    'MUST-38: sends a part',
  ),
  m('MUST-39', RECEIVE_WINDOW, '(free >= segment && free >= space / 16)', 'free >= space / 16', WINDOW),
  m('MUST-39', RECEIVE_WINDOW, '(free >= segment && free >= space / 16)', 'free >= segment', WINDOW),

  // Sending: sections 3.7.4 and 3.9.1.2.
  m(
    'SHLD-7, MAY-16',
    PUSH,
    'return snd.noDelay || seqLeq(snd.smallEnd, snd.una);',
    'return true;',
    SENDING,
    '(SHLD-7: holds|MAY-16)',
  ),
  m('MUST-17', PUSH, 'return snd.noDelay || ', 'return ', SENDING),
  m('SHLD-28', CONNECTION, 'this.mostMss(this.peerMss)', 'Math.min(this.peerMss, 536)', SENDING),
  m(
    'MUST-60',
    OUTPUT,
    'if (room <= 0 || snd.hasManyRecords || mustPace(c, now)) return 0;',
    'if (room < snd.mss) return 0;',
    SENDING,
  ),
  m('MUST-61', PUSH, '(end === snd.dataEnd && ', '(false && ', 'test/tcp/options.test.ts'),
  m('SHLD-27', 'src/tcp/user-calls.ts', 'if (endOfRecord && taken', 'if (taken', SENDING),
  m('SHLD-27', PUSH, '(end === snd.dataEnd && ', '(true || ', SENDING),

  // Acknowledging: sections 3.8.6.3 and 3.10.7.4.
  m('MUST-40', CONFIG, 'delayedAck: 200 * MILLISECOND,', 'delayedAck: 500 * MILLISECOND,', ACK, 'MUST-40: stays'),
  m('SHLD-18', RECEIVER, '> this.ack.mss || this.ack.isQuick) this.ackNow = true;', '> 0) this.ackNow = true;', ACK),
  m('SHLD-19', RECEIVER, '> this.ack.mss || this.ack.isQuick)', '> 2 * this.ack.mss || this.ack.isQuick)', ACK),
  m('MUST-58, MUST-59', RECEIVER, 'this.decideAck();', 'this.owe(this.nxt, this.nxt);', ACK),
  m(
    'SHLD-31',
    RECEIVER,
    'if (start !== this.nxt) return this.takeOutOfOrder(seg, start, end);',
    'if (start !== this.nxt) return Drop.tcpOutOfOrderLimit;',
    ACK,
  ),
  m('MAY-13', RECEIVER, 'this.owe(from, to);', 'this.ackNow = true;', ACK),
  m('MAY-12', INPUT, 'seqLt(seg.ack, seqAdd(snd.una, -Math.min(snd.maxWnd, c.stats.bytesAcked)))', 'false', ACK),
  m('MAY-12', INPUT, 'if (seqGt(seg.ack, snd.nxt) || seqLt(', 'if (false && seqLt(', ACK),
];
