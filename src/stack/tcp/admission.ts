/**
 * From a SYN to a connection, also under attack (RFC 4987).
 *
 *     SYN ─┬─ room ─▶ a half-open connection in the SYN queue ─▶ its ACK ─▶ the accept queue
 *          ├─ full ─▶ SYN cookie: a SYN,ACK without state ┄┄┄┄┄▶ its ACK ─▶ the accept queue
 *          └─ full without cookies, or accept queue full ─▶ dropped, with a reason
 *
 * As in Linux the SYN queue is full at `backlog` half-open connections. The whole stack and each
 * remote host have limits, too. A half-open connection is an ordinary Connection of about 5 KB, not
 * a small record as in Linux, because otherwise the rules of SYN-RECEIVED would exist twice. The
 * limits keep them below about 20 MB in all; SYNs beyond the limits use no memory.
 */
import type { Micros } from '../../base/time.js';
import { Drop, type DropReason } from '../../wire/drop.js';
import { ABSENT, Segment, TcpFlag } from '../../wire/tcp.js';
import { acceptsEcnSyn } from '../../tcp/ecn.js';
import type { TcpConfig } from '../../tcp/config.js';
import { defersAccept } from '../../tcp/defer-accept.js';
import { asksForFastOpen } from '../../tcp/fast-open.js';
import { isHalfOpen } from '../../tcp/icmp.js';
import { ReceiveWindow } from '../../tcp/receive/receive-window.js';
import { TIMESTAMP_BYTES } from '../../tcp/receive/receiver.js';
import { TCP_MSS_DEFAULT, TCP_MSS_DEFAULT_V6 } from '../../tcp/linux-constants.js';
import { State } from '../../tcp/state.js';
import {
  COOKIE_LIFETIME,
  COOKIE_MSS_V4,
  COOKIE_MSS_V6,
  cookieTimestamp,
  readCookieTimestamp,
  SynCookies,
} from './syn-cookie.js';
import type { TimeWaitRecord } from '../../tcp/time-wait.js';
import { FastOpenServer } from './fast-open-server.js';
import { entryOf, type TcpEntry } from './entry.js';
import type { Connection } from '../../tcp/connection.js';
import type { CookieSettings, Listener } from './listener.js';
import type { Arrival } from '../arrival.js';
import type { StrayFate } from '../observer.js';
import type { StackServices } from '../services.js';
import type { Tuple } from '../tuple.js';
import type { StrayAnswers } from './stray.js';
import { announcedMss, type TcpConnections } from './connections.js';

export class Admission {
  readonly fastOpen: FastOpenServer;
  private readonly cookies: SynCookies;
  /** The SYN as reconstructed from its cookie. */
  private readonly syn = new Segment();
  /** The window that this stack announces in its SYNs. */
  private readonly window: ReceiveWindow;
  private readonly connections: TcpConnections;
  private readonly services: StackServices;
  private readonly stray: StrayAnswers;

  constructor(connections: TcpConnections, stray: StrayAnswers, services: StackServices) {
    this.connections = connections;
    this.services = services;
    this.stray = stray;
    this.cookies = new SynCookies(services.random);
    this.fastOpen = new FastOpenServer(services.config, connections.env.counters, services.random);
    this.window = new ReceiveWindow(services.config);
  }

  /**
   * Handles a SYN. `before`: the record of the same four-tuple in TIME-WAIT. As in Linux such a SYN
   * is accepted even if the queue is full, because its peer is genuine.
   */
  synArrives(
    listener: Listener,
    tuple: Tuple,
    packet: Arrival,
    seg: Segment,
    before: TimeWaitRecord | null,
    now: Micros,
  ): void {
    const { synCookies } = this.configOf(listener);
    const full = before === null ? this.whyFull(listener, tuple) : Drop.none;
    if (full !== Drop.none && synCookies === 0) {
      this.refuse(listener, full, tuple, seg, now);
      return;
    }
    if (listener.queue.isFull) {
      this.connections.env.counters.TcpExtListenOverflows++;
      this.drop(Drop.tcpListenOverflow, 'accept-queue-full', tuple, seg, now);
      return;
    }
    if (full !== Drop.none || (synCookies === 2 && before === null))
      this.answerWithCookie(listener, tuple, seg, now);
    else this.openHalf(listener, tuple, packet, seg, before, now);
  }

  // ---- Half-open connections --------------------------------------------------------------------

  private openHalf(
    listener: Listener,
    tuple: Tuple,
    packet: Arrival,
    seg: Segment,
    before: TimeWaitRecord | null,
    now: Micros,
  ): void {
    const { connections, services } = this;
    const fastOpen = asksForFastOpen(seg)
      ? this.fastOpen.judge(listener.fastOpen, tuple, seg, now)
      : null;
    const config = this.configOf(listener);
    const device = services.routeBack(tuple.remote);
    const entry = connections.open(tuple.toFlow(), tuple, device, config, before, null, now);
    entry.conn.fastOpen = fastOpen;
    belongsTo(entry, listener, packet);
    if (before !== null && entry.conn.config.resumesTimeWait) entry.before = { ...before };
    services.observer?.segmentArrived(entry.conn, seg, now);
    entry.conn.openPassive(seg, now);
    listener.queue.addHalfOpen(entry.conn);
    if (fastOpen?.accepted === true) acceptEarly(entry, listener);
    else connections.halfOpen.add(entry);
    connections.mark(entry);
  }

  /**
   * The limit that leaves no room for another half-open connection; `Drop.none` if there is room.
   */
  private whyFull(listener: Listener, tuple: Tuple): DropReason {
    const { config } = this.services;
    const { counters } = this.connections.env;
    const { halfOpen } = this.connections;
    const { queue } = listener;
    // As in Linux: without cookies the last quarter of tcp_max_syn_backlog is reserved for known
    // peers, and this stack has no known peers.
    const { maxSynBacklog } = config;
    const reserved =
      this.configOf(listener).synCookies === 0 &&
      maxSynBacklog - queue.halfOpenCount < maxSynBacklog >> 2;
    if (queue.isSynQueueFull || reserved) return Drop.tcpSynQueueFull;
    if (halfOpen.size >= config.maxHalfOpen) {
      counters.TcplabHalfOpenLimit++;
      return Drop.tcpHalfOpenLimit;
    }
    if (halfOpen.hosts.of(tuple.remote) >= config.maxHalfOpenPerHost) {
      counters.TcplabHalfOpenHostLimit++;
      return Drop.tcpHalfOpenHostLimit;
    }
    return Drop.none;
  }

  private refuse(
    listener: Listener,
    reason: DropReason,
    tuple: Tuple,
    seg: Segment,
    now: Micros,
  ): void {
    this.connections.env.counters.TcpExtTCPReqQFullDrop++;
    this.warn(listener, 'new SYNs are dropped. SYN cookies (tcp_syncookies=1) would answer them');
    this.drop(reason, refusalOf(reason), tuple, seg, now);
  }

  private drop(reason: DropReason, done: StrayFate, tuple: Tuple, seg: Segment, now: Micros): void {
    this.connections.env.counters.TcpExtListenDrops++;
    this.services.observer?.strayArrived(tuple.toFlow(), seg, done, now);
    this.services.countDrop(reason);
  }

  /** Warns the user, once for each listener. */
  private warn(listener: Listener, what: string): void {
    if (listener.floodWarned) return;
    listener.floodWarned = true;
    this.services.warn(
      `possible SYN flood on port ${listener.port}: there is no room for more half-open ` +
        `connections, so ${what}.`,
    );
  }

  // ---- SYN cookies ------------------------------------------------------------------------------

  /** Allocates nothing without an observer, because in a flood it runs for every SYN. */
  private answerWithCookie(listener: Listener, tuple: Tuple, seg: Segment, now: Micros): void {
    const { observer } = this.services;
    const { config, window } = this.cookieSettings(listener, now);
    const { counters } = this.connections.env;
    if (config.synCookies === 1) this.warn(listener, 'SYN cookies are sent instead (RFC 4987)');
    counters.TcpExtTCPReqQFullDoCookies++;
    counters.TcpExtSyncookiesSent++;
    listener.cookieUntil = now + COOKIE_LIFETIME;
    observer?.strayArrived(tuple.toFlow(), seg, 'syn-cookie-sent', now);
    const device = this.services.routeBack(tuple.remote);
    const v4 = tuple.version === 4;
    const mss = seg.mss === ABSENT ? (v4 ? TCP_MSS_DEFAULT : TCP_MSS_DEFAULT_V6) : seg.mss;
    const out = this.stray.segment;
    this.cookies.about(tuple);
    out.clear();
    out.sourcePort = seg.destinationPort;
    out.destinationPort = seg.sourcePort;
    out.seq = this.cookies.make(seg.seq, mss, v4 ? COOKIE_MSS_V4 : COOKIE_MSS_V6, now);
    out.ack = (seg.seq + 1) | 0;
    out.flags = TcpFlag.SYN | TcpFlag.ACK;
    out.mss = announcedMss(device, v4, config);
    out.wnd = window.onSyn(
      out.mss - (config.timestamps && seg.hasTimestamps ? TIMESTAMP_BYTES : 0),
    );
    if (config.timestamps && seg.hasTimestamps) {
      out.hasTimestamps = true;
      out.tsEcr = seg.tsVal;
      out.sackPermitted = config.sack && seg.sackPermitted;
      const scaling = config.windowScaling && seg.wscale !== ABSENT;
      if (scaling) out.wscale = window.wantedWscale;
      const offset = this.connections.timestampOffset(tuple);
      const wscale = scaling ? seg.wscale : ABSENT;
      const ecn = acceptsEcnSyn(config.ecn, seg);
      if (ecn) out.flags |= TcpFlag.ECE;
      out.tsVal =
        (cookieTimestamp(Math.floor(now / 1000), wscale, out.sackPermitted, ecn) + offset) | 0;
    }
    this.stray.send(tuple, 'syn-cookie', now, listener.tos, config.ttl);
  }

  /** The listener's settings when it sent the oldest cookie that is still valid. */
  private cookieSettings(listener: Listener, now: Micros): CookieSettings {
    if (listener.cookies === null || now >= listener.cookieUntil)
      listener.cookies = {
        config: this.configOf(listener),
        window: listener.window ?? this.window,
      };
    return listener.cookies;
  }

  private configOf(listener: Listener): TcpConfig {
    return listener.config ?? this.services.config;
  }

  /**
   * Checks whether an ACK without a connection returns a SYN cookie. Returns true if it created a
   * connection or was dropped.
   */
  cookieArrives(
    listener: Listener,
    tuple: Tuple,
    packet: Arrival,
    seg: Segment,
    now: Micros,
  ): boolean {
    if (
      this.configOf(listener).synCookies === 0 ||
      now >= listener.cookieUntil ||
      seg.has(TcpFlag.SYN)
    )
      return false;
    const { config } = this.cookieSettings(listener, now);
    const { counters } = this.connections.env;
    const irs = (seg.seq - 1) | 0;
    const iss = (seg.ack - 1) | 0;
    this.cookies.about(tuple);
    const mss = this.cookies.check(
      irs,
      iss,
      tuple.version === 4 ? COOKIE_MSS_V4 : COOKIE_MSS_V6,
      now,
    );
    if (mss === 0 || !this.recallSyn(config, tuple, seg, irs, mss)) {
      counters.TcpExtSyncookiesFailed++;
      return false;
    }
    counters.TcpExtSyncookiesRecv++;
    if (listener.queue.isFull) {
      counters.TcpExtListenOverflows++;
      this.drop(Drop.tcpListenOverflow, 'cookie-accept-queue-full', tuple, seg, now);
      return true;
    }
    const device = this.services.routeBack(tuple.remote);
    const entry = this.connections.open(tuple.toFlow(), tuple, device, config, null, iss, now);
    belongsTo(entry, listener, packet);
    listener.queue.addHalfOpen(entry.conn);
    entry.conn.openFromCookie(this.syn, seg, now);
    this.afterSegment(entry, listener);
    this.connections.mark(entry);
    return true;
  }

  /**
   * Fills `syn`. Returns false if the timestamp has options that this stack would not have
   * accepted.
   */
  private recallSyn(
    config: TcpConfig,
    tuple: Tuple,
    seg: Segment,
    irs: number,
    mss: number,
  ): boolean {
    const { syn } = this;
    syn.clear();
    syn.sourcePort = seg.sourcePort;
    syn.destinationPort = seg.destinationPort;
    syn.seq = irs;
    syn.flags = TcpFlag.SYN;
    syn.mss = mss;
    if (!seg.hasTimestamps) return true;
    if (!config.timestamps) return false;
    const offset = this.connections.timestampOffset(tuple);
    syn.hasTimestamps = true;
    syn.tsVal = seg.tsVal;
    readCookieTimestamp((seg.tsEcr - offset) | 0, syn);
    return (config.sack || !syn.sackPermitted) && (config.windowScaling || syn.wscale === ABSENT);
  }

  // ---- The accept queue -------------------------------------------------------------------------

  /**
   * Checks a segment for a connection in the SYN queue. Returns false, and counts a drop, if the
   * segment would complete the handshake without room in the accept queue.
   */
  mayEstablish(entry: TcpEntry, listener: Listener, seg: Segment, now: Micros): boolean {
    const completes =
      entry.conn.state === State.synReceived && seg.has(TcpFlag.ACK) && !seg.has(TcpFlag.RST);
    if (!completes) return true;
    if (defersAccept(entry.conn, seg)) {
      this.connections.env.counters.TcpExtTCPDeferAcceptDrop++;
      this.services.packetDropped(Drop.tcpDeferAccept, entry.toString(), now);
      return false;
    }
    if (!listener.queue.isFull) return true;
    // As in Linux: the peer retransmits, or this side retransmits its SYN,ACK, and there may be
    // room then.
    this.connections.env.counters.TcpExtListenOverflows++;
    this.connections.env.counters.TcpExtListenDrops++;
    this.services.packetDropped(Drop.tcpListenOverflow, entry.toString(), now);
    return false;
  }

  /** Must be called after each segment for a connection in the SYN queue. */
  afterSegment(entry: TcpEntry, listener: Listener): void {
    const { conn } = entry;
    if (conn.state === State.synReceived) return;
    entry.listener = null;
    this.connections.halfOpen.leave(entry);
    listener.queue.leaveHalfOpen(conn);
    if (conn.state === State.closed) return;
    entry.before = null;
    offer(conn, listener);
  }

  closeListener(listener: Listener, now: Micros): void {
    for (const conn of listener.queue.drain()) {
      const e = entryOf(conn);
      e.listener = null;
      this.connections.halfOpen.leave(e);
      // A half-open peer gets a RST from the closed port when it sends again (RFC 9293 section
      // 3.10.7.1).
      if (isHalfOpen(conn)) conn.finish(null, 'listener-closes', now);
      else conn.abort(now, 'listener-closes');
      this.connections.mark(e);
    }
  }
}

/** What is done with a SYN that a limit of half-open connections refuses. */
function refusalOf(limit: DropReason): StrayFate {
  if (limit === Drop.tcpHalfOpenLimit) return 'half-open-limit';
  return limit === Drop.tcpHalfOpenHostLimit ? 'half-open-host-limit' : 'syn-queue-full';
}

/** Assigns `entry` to `listener` until it is established; `packet` is the first from its peer. */
function belongsTo(entry: TcpEntry, listener: Listener, packet: Arrival): void {
  entry.listener = listener;
  entry.tos = listener.tos;
  entry.receivedTos = packet.ip.tos;
}

/**
 * Fast Open: gives the connection and its data to the user before the handshake is complete (RFC
 * 7413 section 4.2.2).
 */
function acceptEarly(entry: TcpEntry, listener: Listener): void {
  const { conn } = entry;
  entry.listener = null;
  entry.before = null;
  entry.fastOpen = listener.fastOpen;
  listener.fastOpen!.pending++;
  listener.queue.leaveHalfOpen(conn);
  offer(conn, listener);
}

/**
 * ACCEPT: offers the connection to the user. Only one that the user does not take is queued,
 * because closing the listener resets queued connections.
 */
function offer(conn: Connection, listener: Listener): void {
  if (!listener.user.tcpAccept(conn)) listener.queue.addEstablished(conn);
}
