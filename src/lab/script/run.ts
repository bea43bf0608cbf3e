/**
 * Plays a script against a target: our stack in virtual time, or anything else that implements
 * target.ts.
 *
 *     event ──▶ when is it due? ──▶ time passes until then
 *                 ├──▶ inject a packet · make a call · run code
 *                 └──▶ an expected packet: take the next one that the target sent, and compare
 *
 * The result is PASS, FAIL with the expected and the actual packet, or SKIP if the script needs
 * something unsupported. Such a script never passes.
 */
import { SECOND, type Micros } from '../../base/time.js';
import type { TcpConfig } from '../../tcp/config.js';
import { Address, Prefix } from '../../ip/address.js';
import type {
  Call,
  Code,
  Command,
  IcmpAction,
  IpInfo,
  PacketAction,
  Place,
  Script,
  ScriptEvent,
  When,
} from './ast.js';
import { compareResult } from './call-check.js';
import { compare, type Difference } from './compare.js';
import type { Segment } from './decode.js';
import { encodeIcmp, encodeTcp, flagBits, icmpNumbers } from './encode.js';
import { Flows } from './flows.js';
import { defaultSettings, type Setting, settingsOf } from './commands.js';
import { countersFit, type Counters, since } from './counters.js';
import { SCRIPT_PROFILE, sysctlConfig } from './sysctls.js';
import { type NonFatal, type RunOptions, toleranceOf } from './options.js';
import { withScriptOptions } from './option-table.js';
import { newCodeState, runCode } from './python.js';
import type { Attempt, Result } from './socket.js';
import type { Stack, StackOptions } from '../../stack/stack.js';
import { StackTarget } from './stack-target.js';
import type { Target } from './target.js';
import { segmentText, timeText } from './text.js';
import { Unsupported } from './values.js';
import { Failure, faultText, type Outcome, START, type Verdict, type Warning } from './verdict.js';

/** How long the runner waits for an expected packet after its time. */
const PATIENCE: Micros = 2 * SECOND;
/** `*`: at any time, but within this limit. */
const WHENEVER: Micros = 3600 * SECOND;
/** The addresses of public scripts, whose Fast Open cookies depend on them. */
const LOCAL = { 4: '192.168.0.1/16', 6: 'fd3d:a0b:17d6::1/48' } as const;
const REMOTE = { 4: '192.0.2.1', 6: 'fd3d:fa7b:d17d::1' } as const;
const PREFIX_BITS = { 4: 16, 6: 48 } as const;
const LAST_PACKETS = 12;
const MAX_STEPS = 1_000_000;

/** The two ends of a script, before its target is made. */
export interface Ends {
  readonly local: Prefix;
  readonly remote: Address;
}

export type MakeTarget = (script: Script, o: RunOptions, ends: Ends) => Target;

/** Our stack as the target; `makeStack` makes it. */
export const stackTarget =
  (makeStack?: (o: StackOptions) => Stack): MakeTarget =>
  (script, o, ends) =>
    new StackTarget({
      ...ends,
      makeStack,
      // Some settings must be set when the stack is created.
      config: { ...SCRIPT_PROFILE, ...o.config, ...configOf(script, o) },
      mtu: o.mtu,
      mss: o.mss,
      bindPort: o.bindPort,
      connectPort: o.connectPort,
      v4Mapped: o.v4Mapped,
      observer: o.observer ?? null,
      now: START,
    });

export function runScript(
  script: Script,
  options: RunOptions = {},
  makeTarget: MakeTarget = stackTarget(),
): Verdict {
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
    warnings: run?.warnings ?? [],
    printed: run?.codeState.printed ?? [],
    packets: outcome === 'PASS' ? [] : (run?.lastPackets() ?? []),
    tcb: outcome === 'FAIL' ? (run?.target.tcb() ?? null) : null,
    log: run?.target.log ?? [],
    start: run?.start ?? START,
  });
  try {
    const o = withScriptOptions(script.options, options);
    const ends = endsOf(o);
    if (script.cleanup !== null) checkCleanup(script.cleanup, o);
    run = new ScriptRun(script, o, makeTarget(script, o, ends));
    run.play();
    return verdict('PASS', '', null, []);
  } catch (error) {
    if (error instanceof Failure)
      return verdict('FAIL', error.message, error.place, error.differences);
    if (error instanceof Unsupported) {
      // Before the first event, the error concerns an option or the first command.
      const place = run?.current ?? error.place ?? script.init?.place ?? null;
      return verdict('SKIP', error.message, place, []);
    }
    return verdict('FAIL', faultText(error), run?.current ?? null, []);
  }
}

const initSettings = (o: RunOptions): Setting[] =>
  (o.init ?? []).flatMap(({ isDefaults, text }) =>
    isDefaults ? defaultSettings(text) : settingsOf(text ?? '', o.readBeside),
  );

/** The sysctls before the first event. `play` reports those that are invalid. */
function configOf({ init }: Script, o: RunOptions): Partial<TcpConfig> {
  try {
    return sysctlConfig([
      ...initSettings(o),
      ...(init === null ? [] : settingsOf(init.text, o.readBeside)),
    ]);
  } catch (error) {
    if (error instanceof Unsupported) return {};
    throw error;
  }
}

/** The addresses of both ends. The default has the family of the other end, or is packetdrill's. */
function endsOf(o: RunOptions): Ends {
  const version = o.ipVersion ?? o.local?.version ?? o.remote?.version ?? 4;
  const local =
    o.local === undefined
      ? Prefix.parse(LOCAL[version])
      : new Prefix(o.local, PREFIX_BITS[version]);
  const remote = o.remote ?? Address.parse(REMOTE[version]);
  for (const end of [local.address, remote])
    if (end.version !== version)
      throw new Unsupported(`${end.toString()} is not an IPv${version} address (--ip_version)`);
  if (remote.equals(local.address))
    throw new Unsupported(`--local_ip and --remote_ip are both ${remote.toString()}`);
  return { local, remote };
}

interface Blocking {
  readonly call: Call;
  readonly attempt: Attempt;
  readonly due: Micros;
}

class ScriptRun {
  readonly target: Target;
  /** Time 0 of the script on the target's clock. */
  readonly start: Micros;
  /** The current event. */
  current: Place | null;
  readonly warnings: Warning[] = [];
  private readonly script: Script;
  private readonly o: RunOptions;
  private readonly flows: Flows;
  private readonly blocking: Blocking[] = [];
  /** When the last event ended, and, for an injected packet, when it was due. */
  private lastAt: Micros;
  private lastInjectedDue: Micros | null = null;
  /**
   * How late the last event was by the script's clock. In real time, each event that is relative to
   * another adds a little.
   */
  private lag: Micros = 0;
  private steps = 0;
  readonly codeState = newCodeState();
  /** The counters at the last call of nstat. */
  private counted: Counters = {};
  /** The index of the current event. */
  private at = 0;

  constructor(script: Script, o: RunOptions, target: Target) {
    this.script = script;
    this.o = o;
    this.target = target;
    this.start = target.now;
    this.lastAt = target.now;
    this.current = script.init?.place ?? null;
    this.flows = new Flows(target, (limit) => this.step(limit));
  }

  play(): void {
    this.set(initSettings(this.o));
    if (this.script.init !== null) this.command(this.script.init);
    for (const [at, event] of this.script.events.entries()) {
      this.current = event.place;
      this.at = at;
      this.playEvent(event);
    }
    for (const b of [...this.blocking]) {
      this.advance(b.due + PATIENCE);
      if (this.blocking.includes(b))
        throw new Failure(b.call.place, `${b.call.name}() has not returned`);
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
    if (action.type === 'icmp' && action.way === 'out')
      throw new Unsupported('expected ICMP packets are not supported');
    if (when.kind !== 'at')
      throw new Failure(event.place, 'only an expected packet can have a range of times');
    const isInjection = action.type === 'packet' || action.type === 'icmp';
    // Between two injected packets the script's times count, not the time when the first was done.
    const base = isInjection && this.lastInjectedDue !== null ? this.lastInjectedDue : this.lastAt;
    const due = when.relative ? base + when.at : this.start + when.at;
    this.advance(due);
    switch (action.type) {
      case 'packet':
        this.inject(action);
        break;
      case 'icmp':
        this.injectIcmp(action);
        break;
      case 'call':
        this.call(action, when.relative ? base : this.start);
        break;
      case 'command':
        this.command(action);
        break;
      case 'code':
        this.code(action);
        break;
      default:
        action satisfies never;
    }
    this.lastAt = this.target.now;
    this.lastInjectedDue = isInjection ? due : null;
    this.wasLate(when, this.lastAt - due);
  }

  // ---- Time -------------------------------------------------------------------------------------

  private advance(to: Micros): void {
    while (this.step(to));
  }

  /**
   * Lets one thing happen, not after `to`; returns false if nothing more does. Calls that block are
   * then tried again.
   */
  private step(to: Micros): boolean {
    if (this.steps++ > MAX_STEPS) throw new Failure(this.current!, 'timers never come to rest');
    // A call that waits for a time of its own is tried at that time too.
    const asked = this.blocking.reduce(
      (first, { due }) => (due > this.target.now ? Math.min(first, due) : first),
      to,
    );
    const more = this.target.pass(asked);
    this.askBlocking();
    return more || asked < to;
  }

  // ---- Packets in -------------------------------------------------------------------------------

  private checkIpInfo(ip: IpInfo): void {
    if (ip.flowLabel !== null && this.target.local.version === 4)
      throw new Unsupported(
        'a flow label needs IPv6, and this script is played over IPv4: add --ip_version=ipv6',
      );
  }

  private inject(p: PacketAction): void {
    this.checkIpInfo(p.ip);
    if (p.options?.some((o) => o.kind === 'md5') === true)
      throw new Unsupported(
        'TCP MD5 signatures are not supported: Linux drops a segment with a signature without ' +
          'a key, but this stack accepts it',
      );
    const flow = this.flows.forInbound(p, () => this.expectsSynAck(p));
    flow.goesIn(p);
    const bases = flow.inboundBases(flagBits(p.flags));
    const slab = encodeTcp(flow.inbound(this.target.local, this.target.remote), p.ip, {
      flags: flagBits(p.flags),
      seq: (p.seq + bases.seq) >>> 0,
      ack: p.ack === null ? 0 : (p.ack + bases.ack) >>> 0,
      window: p.window ?? 0,
      urgent: p.urgent ?? 0,
      options: flow.inboundOptions(p.options ?? [], bases),
      payloadBytes: p.bytes,
    });
    this.target.inject(slab);
    this.askBlocking();
  }

  /** True if the next packet that the script expects has SYN and ACK. */
  private expectsSynAck({ ports }: PacketAction): boolean {
    for (let i = this.at + 1; i < this.script.events.length; i++) {
      const { action } = this.script.events[i]!;
      if (action.type !== 'packet' || action.way !== 'out') continue;
      if (ports !== null && action.ports !== null && action.ports.destination !== ports.source)
        continue;
      return /S/.test(action.flags) && action.flags.includes('.');
    }
    return false;
  }

  private injectIcmp(p: IcmpAction): void {
    const numbers = icmpNumbers(this.target.local.version, p.icmpType, p.code);
    if (numbers === null) throw new Unsupported(`ICMP ${p.icmpType} ${p.code} is not supported`);
    const flow = this.flows.last;
    if (flow === undefined)
      throw new Failure(p.place, 'there is no connection yet for this ICMP error');
    const quoted = p.quoted ?? { seq: 0, bytes: 0 };
    this.checkIpInfo(p.ip);
    const slab = encodeIcmp(
      flow.inbound(this.target.local, this.target.remote),
      p.ip,
      numbers,
      p.mtu ?? 0,
      {
        seq: (quoted.seq + flow.outboundBases(0).seq) >>> 0,
        bytes: quoted.bytes,
      },
    );
    this.target.inject(slab);
    this.askBlocking();
  }

  // ---- Packets out ------------------------------------------------------------------------------

  private expectPacket(want: PacketAction, when: When): void {
    for (const { kind } of want.options ?? [])
      if (kind === 'ECN' || kind === 'md5')
        throw new Unsupported(
          kind === 'ECN' ? 'AccECN is not supported' : 'TCP MD5 signatures are not supported',
        );
    this.checkIpInfo(want.ip);
    const base = this.lastAt;
    const [from, to] = this.dueRange(when, base);
    const limit = Number.isFinite(to)
      ? Math.max(this.target.now, to) + PATIENCE
      : this.target.now + WHENEVER;
    const taken = this.flows.take(
      limit,
      want.ports,
      this.o.strictSegments === true ? 0 : want.bytes,
    );
    if (taken === null)
      throw new Failure(want.place, `no packet came by ${timeText(limit - this.start)} s`);
    const { first, whole } = taken;
    const flow = this.flows.of(first);
    flow.cameOut(first.tcp, want);
    // The tolerance depends on the script's time, not on the packet's, because a late packet would
    // otherwise have more tolerance.
    const tolerance = toleranceOf(
      this.o,
      when.kind === 'any' ? Math.abs(first.at - base) : Math.max(0, to - base),
    );
    const differences = compare(want, first, whole, flow, {
      timestampTick: this.o.timestampTickUsecs ?? 0,
      timestampTolerance: Math.max(1, (tolerance + this.lag) / 1000),
      strict: this.o.strict === true,
    });
    const lag = when.kind !== 'any' && !when.relative ? this.lag : 0;
    if (first.at < from - tolerance || first.at > to + tolerance + lag) {
      const due =
        from === to
          ? timeText(from - this.start)
          : `${timeText(from - this.start)} to ${timeText(to - this.start)}`;
      differences.push({
        field: 'time',
        expected: `${due} s`,
        actual: `${timeText(first.at - this.start)} s`,
      });
    }
    if (differences.length > 0) {
      const came = segmentText(whole, flow.outboundBases(whole.flags));
      this.fails(
        'packet',
        new Failure(want.place, `${came} is not the expected packet`, differences),
      );
    }
    // The packet may have been sent before the previous event ended.
    this.lastAt = Math.max(base, first.at);
    this.wasLate(when, first.at - to);
    this.checkSegmentSize(want, first);
  }

  private checkSegmentSize(want: PacketAction, { tcp }: Segment): void {
    if (this.o.strict !== true) return;
    const mss = this.target.mssOf(tcp);
    const bytes = tcp.payloadBytes + tcp.headerBytes - 20;
    if (mss > 0 && bytes > mss)
      throw new Failure(want.place, `a segment of ${bytes} bytes exceeds the MSS of ${mss}`);
  }

  private checkLeftOvers(): void {
    const left = this.flows.leftOver(this.target.now + this.target.settle);
    if (left === null) return;
    const flow = this.flows.of(left);
    flow.cameOut(left.tcp);
    throw new Failure(
      this.script.events.at(-1)!.place,
      `the script ends, but another packet was sent at ${timeText(left.at - this.start)} s: ` +
        `${segmentText(left.tcp, flow.outboundBases(left.tcp.flags))}`,
    );
  }

  private wasLate(when: When, late: Micros): void {
    if (when.kind === 'any') return;
    this.lag = Math.max(0, late) + (when.relative ? this.lag : 0);
  }

  private dueRange(when: When, base: Micros): [from: Micros, to: Micros] {
    if (when.kind === 'any') return [-Infinity, Infinity];
    const zero = when.relative ? base : this.start;
    return when.kind === 'at'
      ? [zero + when.at, zero + when.at]
      : [zero + when.from, zero + when.to];
  }

  // ---- Calls ------------------------------------------------------------------------------------

  private call(call: Call, base: Micros): void {
    this.awaitBlocking();
    const attempt = this.target.start(call);
    if (call.name === 'listen') this.flows.listens();
    // The first attempt may make the call ready for the second.
    const result = attempt() ?? attempt();
    this.askBlocking();
    if (call.end !== null) {
      const waiting = { call, attempt, due: base + call.end };
      if (result === null) this.blocking.push(waiting);
      else this.returned(waiting, result);
      return;
    }
    if (result === null) throw new Failure(call.place, `${call.name}() blocks`);
    this.checkResult(call, result);
  }

  /**
   * As in packetdrill, a script has one thread: a call waits for the previous one, which may block
   * until its end time.
   */
  private awaitBlocking(): void {
    for (const { due } of [...this.blocking])
      while (this.blocking.length > 0 && this.target.now < due && this.step(due));
  }

  private askBlocking(): void {
    for (let i = 0; i < this.blocking.length; i++) {
      const b = this.blocking[i]!;
      const result = b.attempt();
      if (result === null) continue;
      this.blocking.splice(i--, 1);
      this.returned(b, result);
    }
  }

  private returned(b: Blocking, result: Result): void {
    const { now } = this.target;
    if (Math.abs(now - b.due) > toleranceOf(this.o, b.due - this.lastAt)) {
      throw new Failure(b.call.place, `${b.call.name}() returned at another time`, [
        {
          field: 'time',
          expected: `${timeText(b.due - this.start)} s`,
          actual: `${timeText(now - this.start)} s`,
        },
      ]);
    }
    this.checkResult(b.call, result);
  }

  private checkResult(call: Call, result: Result): void {
    const differences = compareResult(call, result);
    if (differences.length > 0)
      this.fails(
        'syscall',
        new Failure(call.place, `${call.name}() gave another result`, differences),
      );
  }

  /** Ends the script, or only adds a warning if `--non_fatal` includes `kind`. */
  private fails(kind: NonFatal, failure: Failure): void {
    if (this.o.nonFatal?.includes(kind) !== true) throw failure;
    const { place, message: reason, differences } = failure;
    this.warnings.push({ place, reason, differences });
  }

  // ---- Commands ---------------------------------------------------------------------------------

  private command({ text }: Command): void {
    this.set(settingsOf(text, this.o.readBeside));
  }

  private set(settings: readonly Setting[]): void {
    for (const setting of settings) {
      if (setting.kind === 'wait') this.advance(this.target.now + setting.time);
      else if (setting.kind === 'count') this.counted = this.target.counters() ?? {};
      else if (setting.kind === 'counters') this.checkCounters(setting);
      else this.configure(setting);
      if (setting.kind === 'defaults') this.warnOfDefaults(setting.unknown);
    }
  }

  private configure(setting: Setting): void {
    try {
      this.target.configure([setting]);
    } catch (error) {
      if (!(error instanceof Unsupported && setting.kind === 'sysctl' && setting.isDefault))
        throw error;
      this.warnOfDefaults([`${setting.path}=${setting.value}`]);
    }
  }

  /**
   * Warns of unknown lines in the script's own defaults.sh; the script is played nevertheless.
   */
  private warnOfDefaults(unknown: readonly string[]): void {
    const place = this.current ?? { line: 1, column: 1 };
    for (const line of unknown)
      this.warnings.push({
        place,
        reason: `defaults.sh has a line that is not supported: ${line}`,
        differences: [],
      });
  }

  private checkCounters({ patterns, text }: Extract<Setting, { kind: 'counters' }>): void {
    const counters = this.target.counters();
    if (counters === null) throw new Unsupported('this target has no counters');
    const grown = since(counters, this.counted);
    this.counted = counters;
    if (countersFit(grown, patterns)) return;
    const differences = Object.entries(grown)
      .filter(([name, n]) => n !== 0 && patterns.some((p) => p.test(name)))
      .map(([name, n]) => ({ field: name, expected: 'another number', actual: String(n) }));
    throw new Failure(this.current!, `no counter matches '${text}'`, differences);
  }

  // ---- Code -------------------------------------------------------------------------------------

  private code(code: Code): void {
    const info = this.target.tcpInfo();
    if (info === null && /\btcpi_/.test(code.text))
      throw new Failure(code.place, 'there is no connection yet, so the code has no TCP_INFO');
    const failure = runCode(code.text, info ?? {}, this.codeState);
    if (failure !== null) this.fails('packet', new Failure(code.place, failure));
  }

  lastPackets(): string[] {
    return this.flows.lastPackets(LAST_PACKETS, this.start);
  }
}

/**
 * A clean-up command restores the kernel's settings. Ours end with the run, so the command is not
 * played, but it must be known. Throws Unsupported.
 */
function checkCleanup({ text, place }: Command, o: RunOptions): void {
  if (/^(?:\/\S*)?\S*(?:sysctls?|restore)\S*/.test(text)) return;
  try {
    settingsOf(text, o.readBeside);
  } catch (error) {
    throw error instanceof Unsupported ? new Unsupported(error.message, place) : error;
  }
}
