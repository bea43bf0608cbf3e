/**
 * What a command says to a running stack over its control socket: one JSON object a line, both
 * ways.
 *
 *     ▶ {"id":1,"command":"ss","all":true,"listening":false,"filter":"sport = :80","detail":false}
 *     ◀ {"id":1,"data":{"uid":1000,"sockets":[...]}}
 *     ◀ {"id":1,"error":{"message":"there is no state 'open'; ...","fix":"tcplab ss --help"}}
 *
 * The stack answers with data, and the command makes text of it. So `--json` and every other view
 * show the same records.
 */
import type { TraceEvent } from '../../observe/events.js';
import type { LinkData } from '../../observe/link-data.js';
import type { SocketRecord } from '../../observe/socket-records.js';

/** Changes with every change that an older client or server would misread. */
export const PROTOCOL_VERSION = 1;

export interface StackInfo {
  readonly protocol: number;
  readonly name: string;
  readonly version: string;
  readonly pid: number;
  readonly uid: number;
  readonly device: string;
  readonly mtu: number;
  readonly addresses: readonly string[];
  /** When the stack was opened: milliseconds since 1970. */
  readonly since: number;
  /** The command that opened it. */
  readonly command: string;
  /** Stacks that share the name: the threads of `serve --workers`. */
  readonly stacks: number;
}

export interface SocketsRequest {
  /** Of ss: -a, -l. */
  readonly all: boolean;
  readonly listening: boolean;
  /** In the language of ss(8); '' for none. */
  readonly filter: string;
  /** With TCP_INFO. */
  readonly detail: boolean;
}

export interface SocketsData {
  readonly uid: number;
  readonly sockets: readonly SocketRecord[];
}

export interface CountersData {
  /** When the stack was opened, as in `StackInfo`. */
  readonly since: number;
  readonly pid: number;
  /** By the kernel's names and in its order. */
  readonly kernel: Readonly<Record<string, number>>;
}

export interface KillRequest {
  readonly filter: string;
}

export type FaultsRequest =
  | { readonly action: 'show' }
  /** `words`: as `tc netem`, in addition to what is set; `fresh`: instead of it. */
  | { readonly action: 'set'; readonly words: readonly string[]; readonly fresh: boolean }
  | { readonly action: 'clear' };

export interface MetricsData {
  readonly info: StackInfo;
  readonly counters: Readonly<Record<string, number>>;
  /** Dropped packets by reason. */
  readonly drops: Readonly<Record<string, number>>;
  /** Sockets by state, as `ss` names it. */
  readonly states: Readonly<Record<string, number>>;
  readonly memory: {
    readonly allocated: number;
    readonly pressure: number;
    readonly high: number;
    readonly pressed: number;
    readonly orphans: number;
  };
  readonly device: {
    readonly rxPackets: number;
    readonly rxBytes: number;
    readonly txPackets: number;
    readonly txBytes: number;
    readonly txDropped: number;
  };
}

/**
 * What is streamed until the client hangs up. `events`: each event is a line
 * `{"id":1,"event":{...}}`. `capture`: a line `{"id":1,"data":{}}`, and then pcapng blocks. What a
 * slow client does not read in time is left out, and counted.
 */
export interface StreamPieces {
  events: TraceEvent;
  capture: Uint8Array;
}
export type StreamName = keyof StreamPieces;
export type Stream<K extends StreamName> = (sink: (piece: StreamPieces[K]) => void) => () => void;
/** A stack as a source of streams. Each function starts one and returns what ends it. */
export type Streams = { readonly [K in StreamName]: Stream<K> };

type Nothing = Readonly<Record<never, never>>;

/** The commands: what each is asked with, and what it answers. */
export interface Commands {
  info: [Nothing, StackInfo];
  ss: [SocketsRequest, SocketsData];
  nstat: [Nothing, CountersData];
  /** Answers the sockets that it closed. */
  kill: [KillRequest, SocketsData];
  faults: [FaultsRequest, LinkData];
  metrics: [Nothing, MetricsData];
}
export type CommandName = keyof Commands;
export type Asked<K extends CommandName> = Commands[K][0];
export type Answered<K extends CommandName> = Commands[K][1];

/** One stack that can be asked: in this thread or in another. */
export type Answers = {
  readonly [K in CommandName]: (asked: Asked<K>) => Answered<K> | Promise<Answered<K>>;
};

export type Request = { readonly id: number; readonly command: CommandName } & Readonly<
  Record<string, unknown>
>;

export interface ErrorData {
  readonly message: string;
  readonly fix: string;
}

export type Reply =
  | { readonly id: number; readonly data: unknown }
  | { readonly id: number; readonly event: TraceEvent }
  /** So many events were left out, because the client did not read them in time. */
  | { readonly id: number; readonly skipped: number }
  | { readonly id: number; readonly error: ErrorData };
