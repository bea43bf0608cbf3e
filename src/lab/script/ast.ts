/**
 * A packet script as data: the parser's output and the runner's input. The language is
 * packetdrill's; docs/packet-scripts.md lists the supported part.
 */
import type { Micros } from '../../base/time.js';

/** A position in the script; line and column count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface Script {
  readonly file: string;
  /** The lines of the text, which errors quote. */
  readonly lines: readonly string[];
  /** The options at the top, `--name=value`, in order. */
  readonly options: readonly ScriptOption[];
  readonly init: Command | null;
  readonly events: readonly ScriptEvent[];
  readonly cleanup: Command | null;
}

export interface ScriptOption {
  readonly place: Place;
  readonly name: string;
  readonly value: string;
}

/**
 * When an event happens: at a time, in a range of times, or at any time (`*`). Relative times count
 * from the end of the previous event. `*` and ranges are allowed for expected packets only.
 */
export type When =
  | { readonly kind: 'at'; readonly relative: boolean; readonly at: Micros }
  | {
      readonly kind: 'between';
      readonly relative: boolean;
      readonly from: Micros;
      readonly to: Micros;
    }
  | { readonly kind: 'any' };

export interface ScriptEvent {
  readonly place: Place;
  readonly when: When;
  readonly action: Action;
}

export type Action = PacketAction | IcmpAction | Call | Command | Code;

export type Way = 'in' | 'out';

/** The fields of a packet's IP header that the script names; null for the others. */
export interface IpInfo {
  /** `ect01` means ect0 or ect1. */
  readonly ecn: 'noecn' | 'ect0' | 'ect1' | 'ce' | 'ect01' | null;
  readonly tos: number | null;
  readonly ttl: number | null;
  readonly flowLabel: number | null;
}

export interface PacketAction {
  readonly type: 'packet';
  readonly place: Place;
  readonly way: Way;
  readonly ip: IpInfo;
  readonly ports: { readonly source: number; readonly destination: number } | null;
  /** Letters S F R P U E W A, and `.` for ACK; '' for none. */
  readonly flags: string;
  readonly seq: number;
  readonly bytes: number;
  readonly ack: number | null;
  readonly window: number | null;
  readonly urgent: number | null;
  /** Null: `<...>`, any options. */
  readonly options: readonly TcpOptionSpec[] | null;
}

export type TcpOptionSpec =
  | { readonly kind: 'mss'; readonly value: number }
  | { readonly kind: 'nop' }
  | { readonly kind: 'eol' }
  | { readonly kind: 'wscale'; readonly value: number }
  | { readonly kind: 'sackOK' }
  | { readonly kind: 'sack'; readonly blocks: readonly (readonly [number, number])[] }
  | { readonly kind: 'TS'; readonly val: number; readonly ecr: number }
  /**
   * Fast Open: `FO` is option kind 34, `FOEXP` the experimental kind 254. The cookie is in hex; ''
   * is a request.
   */
  | { readonly kind: 'FO' | 'FOEXP'; readonly cookie: string }
  /** RFC 2385; 16 bytes in hex. */
  | { readonly kind: 'md5'; readonly digest: string }
  /** AccECN (RFC 9768): up to three byte counts; the first of them decides the option's kind. */
  | { readonly kind: 'ECN'; readonly counts: readonly (readonly [AccEcnField, number])[] }
  /** An option that scripts cannot write; only in packets from the wire. */
  | { readonly kind: 'other'; readonly number: number; readonly body: string };

export type AccEcnField = 'e0b' | 'ceb' | 'e1b';

export interface IcmpAction {
  readonly type: 'icmp';
  readonly place: Place;
  readonly way: Way;
  readonly ip: IpInfo;
  readonly icmpType: string;
  readonly code: string;
  readonly mtu: number | null;
  /** Sequence numbers of the quoted segment. */
  readonly quoted: { readonly seq: number; readonly bytes: number } | null;
}

/** A system call. `end` is set if it blocks: the time at which it must return. */
export interface Call {
  readonly type: 'call';
  readonly place: Place;
  readonly name: string;
  readonly args: readonly Expression[];
  readonly end: Micros | null;
  readonly result: Expression;
  /** The errno's name, or ''. */
  readonly errno: string;
}

export type Expression =
  | { readonly kind: 'any' }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'symbol'; readonly name: string; readonly place: Place }
  | { readonly kind: 'or'; readonly parts: readonly Expression[] }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  | { readonly kind: 'struct'; readonly fields: readonly StructField[] }
  /** `htons(8080)`, `inet_addr("192.0.2.1")`. */
  | { readonly kind: 'apply'; readonly name: string; readonly args: readonly Expression[] };

/** `name = value`, `name(...) = value`, or a bare value with name ''. */
export interface StructField {
  readonly name: string;
  readonly value: Expression;
  /** `msg_iov(2)`: the number of entries that the script states. */
  readonly count?: number;
}

/** A command in back-quotes. It is never run by a shell (commands.ts). */
export interface Command {
  readonly type: 'command';
  readonly place: Place;
  readonly text: string;
}

/** `%{ ... }%`: assertions about TCP_INFO. */
export interface Code {
  readonly type: 'code';
  readonly place: Place;
  readonly text: string;
}
