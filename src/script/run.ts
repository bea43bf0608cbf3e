/**
 * Plays a script against our stack, in virtual time.
 *
 *     event ──▶ when is it due? ──▶ the stack's timers run until then ──▶ inject a packet · make a call · run code
 *                                └▶ an expected packet: take the next one that the stack sent, and compare
 *
 * The result is PASS, FAIL with what was expected and what came, or SKIP when the script asks for something that we do not know: never a pass.
 */
import { SeededRandom } from '../base/random.js';
import { SECOND, type Micros } from '../base/time.js';
import { Address, Prefix } from '../ip/address.js';
import { Stack } from '../stack/stack.js';
import type { StackObserver } from '../stack/observer.js';
import type { TcpConfig } from '../tcp/config.js';
import type { Connection } from '../tcp/connection.js';
import type { Call, Code, IcmpAction, PacketAction, Place, Script, ScriptEvent, When } from './ast.js';
import { Sockets, type Attempt } from './calls.js';
import { compare, continues, join, type Difference } from './compare.js';
import { decode, type Decoded, type DecodedTcp } from './decode.js';
import { encodeIcmp, encodeTcp, flagBits, icmpNumbers } from './encode.js';
import { ScriptFlow } from './flow.js';
import { applyCommand, SCRIPT_PROFILE } from './knobs.js';
import { runCode } from './python.js';
import type { Result } from './socket.js';
import { tcpInfo } from './tcp-info.js';
import { packetLine, segmentText, timeText } from './text.js';
import { numberOf, textOf, Unsupported } from './values.js';
import { ScriptWire, type WirePacket } from './wire.js';

export interface RunOptions {
  /** Default 4. */
  readonly ipVersion?: 4 | 6;
  /** Microseconds that an event may be early or late; default 4000. */
  readonly toleranceUsecs?: number;
  /** Microseconds of a tick of TSval; 0 (default): TSval is not compared. */
  readonly timestampTickUsecs?: number;
  /** Each outbound segment must be written as it is cut. */
  readonly strictSegments?: boolean;
  /** Also: nothing may be left over at the end, and no segment may exceed the MSS. */
  readonly strict?: boolean;
  /** Errors in code (`%{ }%`) and packets are reported, and the script goes on: `packet`, `syscall`. */
  readonly nonFatal?: readonly string[];
  readonly config?: Partial<TcpConfig>;
  readonly observer?: StackObserver;
}

export type Outcome = 'PASS' | 'FAIL' | 'SKIP';

export interface Verdict {
  readonly file: string;
  readonly outcome: Outcome;
  /** Why it failed or was skipped; '' for a pass. */
  readonly reason: string;
  readonly place: Place | null;
  readonly differences: readonly Difference[];
  /** The last packets before the failure, oldest first, as tcpdump would show them. */
  readonly packets: readonly string[];
  /** The control block at the end, or null. */
  readonly tcb: object | null;
  /** Everything that passed, for a capture. */
  readonly log: readonly WirePacket[];
  /** Where the script's time 0 lies on the stack's clock. */
  readonly start: Micros;
}

class Failure extends Error {
  readonly place: Place;
  readonly differences: readonly Difference[];

  constructor(place: Place, message: string, differences: readonly Difference[] = []) {
    super(message);
    this.place = place;
    this.differences = differences;
  }
}

export const START: Micros = 1000 * SECOND;
/** An expected packet is waited for so long after its time. */
const PATIENCE: Micros = 2 * SECOND;
/** `*`: whenever, but not never. */
const WHENEVER: Micros = 3600 * SECOND;
const DEFAULT_TOLERANCE: Micros = 4000;
const TOLERANCE_SHARE = 0.125;
const LOCAL = { 4: '192.168.0.1/16', 6: 'fd3d:fa7b:d17d::1/48' } as const;
const REMOTE = { 4: '192.0.2.1', 6: '2001:db8::1' } as const;
const REMOTE_PORT = 45_678;
const LAST_PACKETS = 12;
const MAX_STEPS = 1_000_000;

export function runScript(script: Script, options: RunOptions = {}): Verdict {
  let run: ScriptRun | null = null;
  const verdict = (
    outcome: Outcome,
    reason: string,
    place: Place | null,
    differences: readonly Difference[],
  ): Verdict => ({
    file: script.file,
    outcome,
    reason,
    place,
    differences,
    packets: outcome === 'PASS' ? [] : (run?.lastPackets() ?? []),
    tcb: outcome === 'FAIL' ? (run?.tcb() ?? null) : null,
    log: run?.wire.log ?? [],
    start: START,
  });
  try {
    run = new ScriptRun(script, withScriptOptions(script, options));
    run.play();
    return verdict('PASS', '', null, []);
  } catch (error) {
    if (error instanceof Failure) return verdict('FAIL', error.message, error.place, error.differences);
    if (error instanceof Unsupported) {
      // Before the first event it is an option, or else the first command.
      const place = run?.current ?? error.place ?? script.init?.place ?? null;
      return verdict('SKIP', error.message, place, []);
    }
    throw error;
  }
}

/** `--tolerance_usecs=10000` and the like at a script's top. */
function withScriptOptions(script: Script, o: RunOptions): RunOptions {
  let options = o;
  for (const { name, value, place } of script.options) {
    switch (name) {
      case 'tolerance_usecs':
        options = { ...options, toleranceUsecs: Number(value) };
        break;
      case 'tcp_ts_tick_usecs':
        options = { ...options, timestampTickUsecs: Number(value) };
        break;
      case 'strict_segments':
        options = { ...options, strictSegments: true };
        break;
      case 'ip_version':
        if (value !== 'ipv4' && value !== 'ipv6')
          throw new Unsupported(`--ip_version=${value}: ipv4 and ipv6 are known`, place);
        options = { ...options, ipVersion: value === 'ipv6' ? 6 : 4 };
        break;
      case 'non_fatal':
        options = { ...options, nonFatal: value.split(',') };
        break;
      case 'init_scripts':
        options = { ...options, config: { ...options.config, ...applyCommand(value.replace(/,/g, '\n')) } };
        break;
      default:
        throw new Unsupported(`the option --${name} is not known`, place);
    }
  }
  return options;
}

interface Blocking {
  readonly call: Call;
  readonly attempt: Attempt;
  readonly due: Micros;
}

class ScriptRun {
  readonly wire: ScriptWire;
  /** The event that is being played. */
  current: Place | null = null;
  private readonly script: Script;
  private readonly o: RunOptions;
  private readonly stack: Stack;
  private readonly sockets: Sockets;
  private readonly local: Address;
  private readonly remote: Address;
  private readonly config: TcpConfig;
  private readonly flows: ScriptFlow[] = [];
  private readonly blocking: Blocking[] = [];
  private now: Micros = START;
  /** When the last event was done, and, of an injected packet, when it was due. */
  private lastAt: Micros = START;
  private lastInjectedDue: Micros | null = null;

  constructor(script: Script, o: RunOptions) {
    this.script = script;
    this.o = o;
    const version = o.ipVersion ?? 4;
    this.current = script.init?.place ?? null;
    this.config = { ...SCRIPT_PROFILE, ...o.config, ...(script.init === null ? {} : applyCommand(script.init.text)) };
    if (script.cleanup !== null) checkCleanup(script.cleanup.text);
    const prefix = Prefix.parse(LOCAL[version]);
    this.local = prefix.address;
    this.remote = Address.parse(REMOTE[version]);
    this.wire = new ScriptWire(1500);
    this.stack = new Stack({
      device: this.wire,
      addresses: [prefix],
      random: new SeededRandom(7),
      secret: Uint8Array.from({ length: 16 }, (_, i) => i),
      now: START,
      config: this.config,
      observer: o.observer ?? null,
    });
    this.sockets = new Sockets(this.stack, version, this.remote, () => this.config);
  }

  play(): void {
    for (const event of this.script.events) {
      this.current = event.place;
      this.playEvent(event);
    }
    for (const b of [...this.blocking]) {
      this.advance(b.due + PATIENCE);
      if (this.blocking.includes(b)) throw new Failure(b.call.place, `${b.call.name}() has not returned`);
    }
    if (this.o.strict === true) this.checkLeftOvers();
  }

  private playEvent(event: ScriptEvent): void {
    const { action, when } = event;
    if (action.type === 'packet' && action.way === 'out') {
      this.expectPacket(action, when);
      this.lastInjectedDue = null;
      return;
    }
    if (when.kind !== 'at') throw new Failure(event.place, 'only an expected packet can have a range of times');
    const isInjection = action.type === 'packet' || action.type === 'icmp';
    // Between two injected packets the script's times count, not when the first was handled.
    const base = isInjection && this.lastInjectedDue !== null ? this.lastInjectedDue : this.lastAt;
    const due = when.relative ? base + when.at : START + when.at;
    this.advance(due);
    switch (action.type) {
      case 'packet':
        this.inject(action);
        break;
      case 'icmp':
        this.injectIcmp(action);
        break;
      case 'call':
        this.call(action, when.relative ? base : START);
        break;
      case 'command':
        this.command(action.text);
        break;
      case 'code':
        this.code(action);
        break;
      default:
        action satisfies never;
    }
    this.lastAt = this.now;
    this.lastInjectedDue = isInjection ? due : null;
  }

  // ---- Time -----------------------------------------------------------------------------------------------------------

  /** Lets timers fire until `to`. */
  private advance(to: Micros): void {
    for (let steps = 0; this.stack.nextTimeout() <= to; steps++) {
      if (steps > MAX_STEPS) throw new Failure(this.current!, 'timers never come to rest');
      this.step();
    }
    this.now = Math.max(this.now, to);
    this.askBlocking();
  }

  /** The next timer. */
  private step(): void {
    this.now = Math.max(this.now, this.stack.nextTimeout());
    this.stack.onTimeout(this.now);
    this.turn();
  }

  /** Users hear what happened, and what is owed goes out. */
  private turn(): void {
    this.stack.run(this.now);
    this.askBlocking();
  }

  // ---- Packets in -----------------------------------------------------------------------------------------------------

  private inject(p: PacketAction): void {
    const flow = this.flowFor(p);
    const flags = flagBits(p.flags);
    const slab = encodeTcp(flow.inbound(this.local, this.remote), p.ip, {
      flags,
      seq: p.seq,
      ack: p.ack === null ? 0 : (p.ack + flow.localIsn) >>> 0,
      window: p.window ?? 0,
      urgent: p.urgent ?? 0,
      options: flow.inboundOptions(p.options ?? []),
      payloadBytes: p.bytes,
    });
    this.wire.inject(slab, slab.bytes.length, this.now);
    this.turn();
  }

  private injectIcmp(p: IcmpAction): void {
    const numbers = icmpNumbers(this.local.version, p.icmpType, p.code);
    if (numbers === null) throw new Unsupported(`ICMP ${p.icmpType} ${p.code} is not known`);
    if (p.way === 'out') throw new Unsupported('expected ICMP packets are not known');
    const flow = this.flows.at(-1);
    if (flow === undefined) throw new Failure(p.place, 'there is no connection yet that an ICMP error could be about');
    const quoted = p.quoted ?? { seq: 0, bytes: 0 };
    const slab = encodeIcmp(flow.inbound(this.local, this.remote), numbers, p.mtu ?? 0, {
      seq: (quoted.seq + flow.localIsn) >>> 0,
      bytes: quoted.bytes,
    });
    this.wire.inject(slab, slab.bytes.length, this.now);
    this.turn();
  }

  /** By its ports, or the one that the script is about; the first injected packet makes it. */
  private flowFor(p: PacketAction): ScriptFlow {
    const { ports } = p;
    const local = p.way === 'in' ? ports?.destination : ports?.source;
    const remote = p.way === 'in' ? ports?.source : ports?.destination;
    const found =
      ports === null ? this.flows.at(-1) : this.flows.find((f) => f.localPort === local && f.remotePort === remote);
    if (found !== undefined) return found;
    const flow = new ScriptFlow(local ?? this.listeningPort(), remote ?? REMOTE_PORT);
    this.flows.push(flow);
    return flow;
  }

  private listeningPort(): number {
    for (const s of this.sockets.all()) if (s.listener !== null) return s.listener.port;
    return 8080;
  }

  // ---- Packets out ------------------------------------------------------------------------------------------------------

  private expectPacket(want: PacketAction, when: When): void {
    const base = this.lastAt;
    const [from, to] = dueRange(when, base);
    const limit = Number.isFinite(to) ? Math.max(this.now, to) + PATIENCE : this.now + WHENEVER;
    const got = this.nextSent(want, limit);
    if (got === null) throw new Failure(want.place, `no packet came by ${timeText(limit - START)} s`);
    let { tcp } = got;
    const flow = this.flows.find((f) => f.owns(got))!;
    flow.sawOutbound(tcp);
    if (this.o.strictSegments !== true) {
      // A write that was cut by the MSS may be written as one.
      while (tcp.payloadBytes < want.bytes && tcp.payloadBytes > 0) {
        const next = this.peekSent(limit);
        if (next === null || !continues(tcp, next.tcp) || tcp.payloadBytes + next.tcp.payloadBytes > want.bytes) break;
        this.wire.sent.shift();
        tcp = join(tcp, next.tcp);
      }
    }
    const gap = Math.abs(got.at - base);
    const tolerance = Math.max(this.o.toleranceUsecs ?? DEFAULT_TOLERANCE, gap * TOLERANCE_SHARE);
    const differences = compare(want, got, tcp, flow, {
      timestampTick: this.o.timestampTickUsecs ?? 0,
      timestampTolerance: Math.max(1, tolerance / 1000),
      strict: this.o.strict === true,
    });
    if (got.at < from - tolerance || got.at > to + tolerance) {
      const due = from === to ? timeText(from - START) : `${timeText(from - START)} to ${timeText(to - START)}`;
      differences.push({ field: 'time', expected: `${due} s`, actual: `${timeText(got.at - START)} s` });
    }
    if (differences.length > 0) {
      const failure = new Failure(
        want.place,
        `expected another packet than ${segmentText(tcp, flow.localIsn, 0)}`,
        differences,
      );
      if (this.o.nonFatal?.includes('packet') !== true) throw failure;
    }
    // It may have gone out before the event before was done.
    this.lastAt = Math.max(base, got.at);
    this.checkSegmentSize(want, got);
  }

  /** The next TCP packet of a connection of the script; null when none comes by `limit`. */
  private nextSent(want: PacketAction, limit: Micros): (Decoded & { tcp: DecodedTcp }) | null {
    const next = this.peekSent(limit, want);
    if (next !== null) this.wire.sent.shift();
    return next;
  }

  private peekSent(limit: Micros, want: PacketAction | null = null): (Decoded & { tcp: DecodedTcp }) | null {
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      const packet = this.wire.sent[0];
      if (packet === undefined) {
        if (this.stack.nextTimeout() > limit) return null;
        this.step();
        continue;
      }
      const decoded = decode(packet);
      const { tcp } = decoded;
      if (tcp === null || !this.belongs(decoded, tcp, want)) {
        this.wire.sent.shift(); // ICMP, or a connection that the script does not speak of
        continue;
      }
      return { ...decoded, tcp };
    }
    return null;
  }

  /** An active open makes its connection known with its SYN. */
  private belongs(d: Decoded, tcp: DecodedTcp, want: PacketAction | null): boolean {
    if (this.flows.some((f) => f.owns(d))) return true;
    const isSyn = (tcp.flags & 18) === 2;
    if (!isSyn || want === null) return false;
    this.flows.push(new ScriptFlow(tcp.sourcePort, tcp.destinationPort));
    return true;
  }

  private checkSegmentSize(want: PacketAction, got: Decoded & { tcp: DecodedTcp }): void {
    if (this.o.strict !== true) return;
    const conn = this.connectionOf(got.tcp);
    const mss = conn?.peerMss ?? 0;
    const bytes = got.tcp.payloadBytes + got.tcp.headerBytes - 20;
    if (mss > 0 && bytes > mss) throw new Failure(want.place, `a segment of ${bytes} bytes exceeds the MSS of ${mss}`);
  }

  private connectionOf(t: DecodedTcp): Connection | undefined {
    for (const c of this.stack.connections())
      if (c.flow.localPort === t.sourcePort && c.flow.remotePort === t.destinationPort) return c;
    return undefined;
  }

  private checkLeftOvers(): void {
    const left = this.peekSent(this.now);
    if (left === null) return;
    const flow = this.flows.find((f) => f.owns(left))!;
    throw new Failure(
      this.script.events.at(-1)!.place,
      `the script ends, but another packet was sent at ${timeText(left.at - START)} s: ${segmentText(left.tcp, flow.localIsn, 0)}`,
    );
  }

  // ---- Calls --------------------------------------------------------------------------------------------------------------

  private call(call: Call, base: Micros): void {
    this.sockets.now = this.now;
    this.stack.onTimeout(this.now); // so that the stack knows the time
    const attempt = this.sockets.start(call);
    let result = attempt();
    this.turn();
    result ??= attempt();
    if (call.end !== null) {
      const due = base + call.end;
      if (result === null) this.blocking.push({ call, attempt, due });
      else this.returned({ call, attempt, due }, result);
      return;
    }
    if (result === null) throw new Failure(call.place, `${call.name}() blocks`);
    this.checkResult(call, result);
  }

  private askBlocking(): void {
    for (let i = 0; i < this.blocking.length; i++) {
      const b = this.blocking[i]!;
      this.sockets.now = this.now;
      const result = b.attempt();
      if (result === null) continue;
      this.blocking.splice(i--, 1);
      this.stack.run(this.now);
      this.returned(b, result);
    }
  }

  private returned(b: Blocking, result: Result): void {
    const tolerance = Math.max(this.o.toleranceUsecs ?? DEFAULT_TOLERANCE, (b.due - this.lastAt) * TOLERANCE_SHARE);
    if (Math.abs(this.now - b.due) > tolerance) {
      throw new Failure(b.call.place, `${b.call.name}() returned at another time`, [
        { field: 'time', expected: `${timeText(b.due - START)} s`, actual: `${timeText(this.now - START)} s` },
      ]);
    }
    this.checkResult(b.call, result);
  }

  private checkResult(call: Call, result: Result): void {
    const expected = numberOf(call.result);
    const opensDescriptor = call.name === 'socket' || call.name.startsWith('accept');
    const differences: Difference[] = [];
    const fits =
      expected === null || (opensDescriptor && expected >= 0 ? result.value >= 0 : result.value === expected);
    if (!fits) differences.push({ field: 'result', expected: String(expected), actual: String(result.value) });
    if (call.errno !== '' ? result.errno !== call.errno : !fits && result.errno !== '')
      differences.push({ field: 'errno', expected: call.errno || 'none', actual: result.errno || 'none' });
    if (result.data !== undefined) differences.push(...this.checkData(call, result.data));
    if (differences.length > 0 && this.o.nonFatal?.includes('syscall') !== true)
      throw new Failure(call.place, `${call.name}() gave another result`, differences);
  }

  /** What getsockopt, ioctl or poll wrote. */
  private checkData(call: Call, data: number | string): Difference[] {
    if (call.name === 'poll') return [{ field: 'revents', expected: 'as written', actual: String(data) }];
    const arg = call.args[call.name === 'ioctl' ? 2 : 3];
    const expected = typeof data === 'string' ? textOf(arg) : numberOf(arg);
    return expected === null || expected === data
      ? []
      : [{ field: 'value', expected: String(expected), actual: String(data) }];
  }

  // ---- Commands and code ----------------------------------------------------------------------------------------------------

  private command(text: string): void {
    const change = applyCommand(text);
    Object.assign(this.config, change);
    Object.assign(this.stack.tcp.env.config, change);
  }

  private code(code: Code): void {
    const conn = this.sockets.last?.conn ?? null;
    if (conn === null) throw new Failure(code.place, 'there is no connection whose TCP_INFO the code could look at');
    const failure = runCode(code.text, tcpInfo(conn, this.now));
    if (failure !== null && this.o.nonFatal?.includes('packet') !== true) throw new Failure(code.place, failure);
  }

  // ---- For failures ---------------------------------------------------------------------------------------------------------

  lastPackets(): string[] {
    return this.wire.log.slice(-LAST_PACKETS).map((p) => {
      const d = decode(p);
      const at = timeText(p.at - START);
      if (d.tcp === null) return `${at} ${packetLine(d, 0, 0)}`;
      const [local, remote] =
        p.way === 'in' ? [d.tcp.destinationPort, d.tcp.sourcePort] : [d.tcp.sourcePort, d.tcp.destinationPort];
      const isn = this.flows.find((f) => f.localPort === local && f.remotePort === remote)?.localIsn ?? 0;
      return `${at} ${p.way === 'in' ? packetLine(d, 0, isn) : packetLine(d, isn, 0)}`;
    });
  }

  tcb(): object | null {
    return this.sockets.last?.conn?.snapshot(this.now) ?? null;
  }
}

/** A clean-up command puts the kernel's settings back: ours are gone with the run. It must be one that is known all the same. */
function checkCleanup(text: string): void {
  if (!/^(?:\/\S*)?\S*(?:sysctls?|restore)\S*/.test(text)) applyCommand(text);
}

function dueRange(when: When, base: Micros): [from: Micros, to: Micros] {
  switch (when.kind) {
    case 'any':
      return [-Infinity, Infinity];
    case 'at': {
      const at = when.relative ? base + when.at : START + when.at;
      return [at, at];
    }
    default: {
      const zero = when.relative ? base : START;
      return [zero + when.from, zero + when.to];
    }
  }
}
