/**
 * Finds the addresses for the options of `connect` and tries them in Node's order:
 *
 *     a number ───────────────────────────▶ one attempt, in the next tick
 *     a name ─▶ lookup ─┬─ one address ───▶ one attempt
 *                       └─ several ───────▶ each gets 250 ms, both families in turn (RFC 8305)
 */
import { isIP } from 'node:net';
import {
  checkDuration,
  checkFunction,
  checkNumber,
  checkPort,
  nodeError,
  systemError,
  wrongType,
} from './errors.js';
import type { Lookup, LookupAddress } from './hosts-file.js';

export interface ConnectOptions {
  readonly port: number;
  /** An address, or a name in /etc/hosts (there is no name server). Default: `localhost`. */
  readonly host?: string | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  /** 4 or 6: only addresses of this family are used for a name. */
  readonly family?: number | string | undefined;
  readonly hints?: number | undefined;
  /** Replaces the look-up of names; the signature is dns.lookup's. */
  readonly lookup?: Lookup | undefined;
  /** Tries all addresses of a name. Default true. */
  readonly autoSelectFamily?: boolean | undefined;
  /** Milliseconds for each attempt but the last. Default 250. */
  readonly autoSelectFamilyAttemptTimeout?: number | undefined;
  /**
   * TCP Fast Open (RFC 7413): data written in the same turn may go with the SYN. Use it only for
   * data that may be delivered twice without harm.
   */
  readonly fastOpen?: boolean | undefined;
}

/** The remote and local ends of one attempt. */
export interface Attempt {
  readonly address: string;
  readonly family: number;
  readonly port: number;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly fastOpen: boolean;
}

/** The socket that connects. */
export interface Connector {
  readonly connecting: boolean;
  readonly defaultLookup: Lookup;
  autoSelectFamilyAttemptedAddresses?: string[] | undefined;
  emit(event: string, ...args: unknown[]): boolean;
  destroy(error?: Error): unknown;
  /** Checks the local end, as bind(2). Throws its error. */
  checkBind(attempt: Attempt): void;
  /** Sends a SYN. Throws an error that occurs at once. */
  open(attempt: Attempt): void;
  /** Ignores the previous attempt from now on. */
  abandon(): void;
}

const ANY = { 4: '0.0.0.0', 6: '::' } as const;
const ATTEMPT_MS = 250;
const SHORTEST_ATTEMPT_MS = 10;

/** Throws as Node does for invalid arguments. */
export function checkConnect(o: ConnectOptions & { path?: unknown }): void {
  const path = o.path ?? undefined;
  if (o.port === undefined && path === undefined) {
    const text = 'The "options" or "port" or "path" argument must be specified';
    throw nodeError(new TypeError(text), 'ERR_MISSING_ARGS');
  }
  if (path !== undefined && typeof path !== 'string')
    throw wrongType('options.path', 'of type string', path);
  const { localAddress, localPort, port } = o;
  if (localAddress && isIP(localAddress) === 0) throw badAddress(localAddress);
  if (localPort) checkPort(checkNumber(localPort, 'options.localPort'), 'options.localPort');
  if (path === undefined) {
    if (typeof port !== 'number' && typeof port !== 'string') {
      throw wrongType('options.port', 'one of type number or string', port);
    }
    checkPort(port, 'Port');
  }
  const all: unknown = o.autoSelectFamily ?? true;
  if (typeof all !== 'boolean') throw wrongType('options.autoSelectFamily', 'of type boolean', all);
  checkDuration(
    o.autoSelectFamilyAttemptTimeout ?? ATTEMPT_MS,
    'options.autoSelectFamilyAttemptTimeout',
  );
  const lookup: unknown = o.lookup ?? null;
  if (lookup !== null && isIP(o.host ?? '') === 0) checkFunction(lookup, 'options.lookup');
}

const badAddress = (address: unknown): TypeError =>
  nodeError(new TypeError(`Invalid IP address: ${String(address)}`), 'ERR_INVALID_IP_ADDRESS');

const badFamily = (family: unknown, o: ConnectOptions): RangeError =>
  Object.assign(
    nodeError(
      new RangeError(`Invalid address family: ${String(family)} ${o.host}:${o.port}`),
      'ERR_INVALID_ADDRESS_FAMILY',
    ),
    { host: o.host, port: o.port },
  );

/** Why the address cannot be connected to; null if it can. */
function whyNot({ address, family }: LookupAddress, o: ConnectOptions): Error | null {
  if (isIP(address) === 0) return badAddress(address);
  return family === 4 || family === 6 ? null : badFamily(family, o);
}

/** The attempts of one `connect`, one after the other. */
export class Connecting {
  private readonly socket: Connector;
  private readonly o: ConnectOptions;
  private addresses: LookupAddress[] = [];
  private next = 0;
  private readonly errors: Error[] = [];
  private timer: NodeJS.Timeout | null = null;
  /** The current attempt. */
  private at: Attempt | null = null;

  constructor(socket: Connector, o: ConnectOptions) {
    this.socket = socket;
    this.o = o;
  }

  start(): void {
    const { o, socket } = this;
    const host = (o.host || 'localhost').replace(/^\[(.*)\]$/, '$1');
    const number = isIP(host);
    if (number !== 0) process.nextTick(startAt, this, [{ address: host, family: number }]);
    else {
      const family = o.family === 'IPv4' ? 4 : o.family === 'IPv6' ? 6 : Number(o.family ?? 0);
      const all = family !== 4 && family !== 6 && !o.localAddress && o.autoSelectFamily !== false;
      const options = { family, hints: o.hints ?? 0, ...(all ? { all } : {}) };
      (o.lookup ?? socket.defaultLookup)(host, options, (error, found, familyFound) => {
        if (all) this.foundAll(host, error, found as LookupAddress[]);
        else
          this.foundOne(host, error, { address: found as string, family: familyFound as number });
      });
    }
  }

  /** @internal */
  begin(addresses: LookupAddress[]): void {
    if (!this.isOn) return;
    this.addresses = addresses;
    if (addresses.length > 1) this.socket.autoSelectFamilyAttemptedAddresses = [];
    this.tryNext();
  }

  /** Connected, destroyed, or connecting again: no further address is tried. */
  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.at = null;
    this.stopped = true;
  }
  private stopped = false;

  private get isOn(): boolean {
    return this.socket.connecting && !this.stopped;
  }

  // ---- Names ------------------------------------------------------------------------------------

  private foundOne(host: string, error: Error | null, found: LookupAddress): void {
    this.socket.emit('lookup', error, found.address, found.family, host);
    if (!this.isOn) return;
    const why = error ?? whyNot(found, this.o);
    if (why === null) this.begin([found]);
    else process.nextTick(destroyWith, this.socket, why);
  }

  private foundAll(host: string, error: Error | null, found: LookupAddress[]): void {
    if (!this.isOn) return;
    if (error !== null) {
      this.socket.emit('lookup', error, undefined, undefined, host);
      process.nextTick(destroyWith, this.socket, error);
      return;
    }
    const good: LookupAddress[] = [];
    for (const a of found) {
      this.socket.emit('lookup', error, a.address, a.family, host);
      if (!this.isOn) return;
      if (whyNot(a, this.o) === null && !good.some((g) => g.address === a.address)) good.push(a);
    }
    if (good.length > 0) this.begin(inTurn(good));
    else process.nextTick(destroyWith, this.socket, whyNot(found[0]!, this.o)!);
  }

  // ---- Attempts ---------------------------------------------------------------------------------

  private tryNext(): void {
    const { socket, o, addresses } = this;
    const { address, family } = addresses[this.next++]!;
    const bound = Boolean(o.localAddress || o.localPort);
    const localAddress = o.localAddress || (bound ? ANY[family === 6 ? 6 : 4] : undefined);
    const port = Number(o.port);
    this.at = {
      address,
      family,
      port,
      localAddress,
      localPort: o.localPort,
      fastOpen: o.fastOpen === true,
    };
    try {
      if (bound) socket.checkBind(this.at);
      socket.emit('connectionAttempt', address, port, family);
      if (!this.isOn) return;
      socket.autoSelectFamilyAttemptedAddresses?.push(`${address}:${port}`);
      socket.open(this.at);
    } catch (error) {
      this.failed(error as Error, addresses.length > 1);
      return;
    }
    if (this.next >= addresses.length) return;
    const wait = Math.max(SHORTEST_ATTEMPT_MS, o.autoSelectFamilyAttemptTimeout ?? ATTEMPT_MS);
    this.timer = setTimeout(timesOut, wait, this);
  }

  /** @internal */
  timedOut(): void {
    const { address, family, port } = this.at!;
    this.socket.emit('connectionAttemptTimeout', address, port, family);
    this.errors.push(systemError('connect', 'ETIMEDOUT', { address, port }));
    this.socket.abandon();
    if (this.isOn) this.tryNext();
  }

  /** The peer, or the network, refused the current attempt. */
  refused(code: string): void {
    const { address, port, localAddress, localPort } = this.at!;
    const local = localAddress && localPort ? `${localAddress}:${localPort}` : undefined;
    const error = systemError('connect', code, { address, port, local });
    if (local !== undefined) Object.assign(error, { localAddress, localPort });
    this.failed(error, true);
  }

  private failed(error: Error, tell: boolean): void {
    const { socket, addresses, errors } = this;
    const { address, port, family } = this.at!;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    errors.push(error);
    if (tell) socket.emit('connectionAttemptFailed', address, port, family, error);
    if (!this.isOn) return;
    if (this.next < addresses.length) {
      socket.abandon();
      this.tryNext();
    } else if (addresses.length === 1) socket.destroy(error);
    else
      socket.destroy(
        Object.assign(new AggregateError(errors), {
          code: (errors[0] as NodeJS.ErrnoException).code,
        }),
      );
  }
}

/** Alternates between the families, beginning with the family of the first address. */
function inTurn(addresses: LookupAddress[]): LookupAddress[] {
  const same = addresses.filter((a) => a.family === addresses[0]!.family);
  const other = addresses.filter((a) => a.family !== addresses[0]!.family);
  const order: LookupAddress[] = [];
  for (let i = 0; i < Math.max(same.length, other.length); i++) {
    for (const list of [same, other]) if (list[i] !== undefined) order.push(list[i]!);
  }
  return order;
}

function startAt(connecting: Connecting, addresses: LookupAddress[]): void {
  connecting.begin(addresses);
}

function timesOut(connecting: Connecting): void {
  connecting.timedOut();
}

function destroyWith(socket: Connector, error: Error): void {
  socket.destroy(error);
}
