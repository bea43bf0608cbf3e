/** Requests come from outside the process, so their shape is checked before they are used. */
import { ControlError } from './errors.js';
import type { Asked, CommandName, StreamName } from './protocol.js';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
const isText = (value: unknown): boolean => typeof value === 'string';
const isFlag = (value: unknown): boolean => typeof value === 'boolean';

const SHAPES: Readonly<Record<CommandName, (asked: Record<string, unknown>) => boolean>> = {
  info: () => true,
  nstat: () => true,
  metrics: () => true,
  ss: (r) =>
    isFlag(r['all']) && isFlag(r['listening']) && isFlag(r['detail']) && isText(r['filter']),
  kill: (r) => isText(r['filter']),
  faults: (r) =>
    r['action'] === 'show' ||
    r['action'] === 'clear' ||
    (r['action'] === 'set' &&
      isFlag(r['fresh']) &&
      Array.isArray(r['words']) &&
      r['words'].every(isText)),
};

const STREAMS: ReadonlySet<string> = new Set<StreamName>(['events', 'capture']);

export interface ParsedStream {
  readonly id: number;
  readonly stream: StreamName;
}

export interface Parsed<K extends CommandName = CommandName> {
  readonly id: number;
  readonly command: K;
  readonly asked: Asked<K>;
}

const OTHER_VERSION = 'use the same version of tcplab for the command and for the stack';

/** Reads a line. Throws ControlError; the id is -1 in the reply then. */
export function parseRequest(line: string): Parsed | ParsedStream {
  const request = parseJson(line);
  if (!isObject(request) || !Number.isInteger(request['id']))
    throw new ControlError('a request is a JSON object with a whole number `id`', OTHER_VERSION);
  const { id, command, ...asked } = request;
  if (typeof command === 'string' && STREAMS.has(command))
    return { id: id as number, stream: command as StreamName };
  if (typeof command !== 'string' || !Object.hasOwn(SHAPES, command))
    throw new ControlError(`the stack has no command '${String(command)}'`, OTHER_VERSION);
  const name = command as CommandName;
  if (!SHAPES[name](asked))
    throw new ControlError(`the request '${name}' has wrong fields`, OTHER_VERSION);
  return { id: id as number, command: name, asked };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new ControlError('a request is one JSON object a line', OTHER_VERSION);
  }
}
