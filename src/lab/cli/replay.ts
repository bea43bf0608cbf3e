/**
 * `tcplab replay FILE`: runs a recorded stack again. On a terminal it is step by step
 * (replay-session.ts); else, or with `--json`, `--until` and `--at`, as lines.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import pc from 'picocolors';
import { Player, type StepView } from '../../record/player.js';
import type { ByteSource } from '../../record/reader.js';
import { RecordingError } from '../../record/errors.js';
import { divergenceText } from '../../record/transcript.js';
import { hexLines } from '../../observe/hex-dump.js';
import { CommandError, Exit } from './errors.js';
import { ENTER_SCREEN, LEAVE_SCREEN, screenText } from './full-screen.js';
import { screenOf, type Paint } from './replay-screen.js';
import { keysOf, ReplaySession } from './replay-session.js';

export interface ReplayCommandOptions {
  until?: number;
  at?: number;
  json?: boolean;
}

export async function replay(file: string, o: ReplayCommandOptions): Promise<number> {
  const fd = open(file);
  try {
    const player = new Player(fileSource(fd));
    const stops = o.until !== undefined || o.at !== undefined;
    if (o.json !== true && !stops && process.stdin.isTTY && process.stdout.isTTY)
      return await interactive(player, file);
    return asLines(player, o);
  } catch (error) {
    if (error instanceof RecordingError)
      throw new CommandError(Exit.failed, `${file}: ${error.message}`, error.fix);
    throw error;
  } finally {
    closeSync(fd);
  }
}

function open(file: string): number {
  try {
    const fd = openSync(file, 'r');
    if (fstatSync(fd).isFile()) return fd;
    closeSync(fd);
    throw new Error('it is no file');
  } catch (error) {
    throw new CommandError(
      Exit.failed,
      `${file} cannot be read: ${(error as Error).message}`,
      'tcplab lab --record FILE   makes a recording',
    );
  }
}

const fileSource = (fd: number): ByteSource => ({
  length: fstatSync(fd).size,
  read(offset, into) {
    let have = 0;
    while (have < into.length) {
      const n = readSync(fd, into, have, into.length - have, offset + have);
      if (n === 0) throw new RecordingError('the file became shorter', 'replay it again');
      have += n;
    }
  },
});

// ---- Lines --------------------------------------------------------------------------------------

function asLines(player: Player, o: ReplayCommandOptions): number {
  const print = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  const { overview } = player;
  const until =
    o.until ?? (o.at === undefined ? overview.steps : (player.goToTime(o.at), player.at));
  const stops = o.until !== undefined || o.at !== undefined;
  if (player.at > 1) player.rewind();
  let last: StepView | null = null;
  while (player.at < until) {
    const view = player.next();
    if (view === null) break;
    last = view;
    if (o.json === true) print(JSON.stringify(jsonOf(view)));
    else if (!stops) for (const line of view.lines) print(line);
  }
  if (o.json !== true && stops && last !== null) printView(last, print);
  return ending(player, o, print);
}

/** Plain data of a step, for `--json`. */
function jsonOf({ step, seconds, events, marks, connections }: StepView): object {
  return {
    step: step.number,
    input: step.name,
    time: seconds,
    text: step.text,
    ...(step.threw === null ? {} : { threw: step.threw }),
    ...(marks.size === 0 ? {} : { marks: [...marks] }),
    events,
    connections: connections.map(({ number, flow, changes }) => ({
      number,
      flow,
      changes: Object.fromEntries(changes.map((c) => [c.name, [c.before, c.after]])),
    })),
  };
}

function printView(view: StepView, print: (line: string) => void): void {
  const { step, seconds, lines, shown } = view;
  const connections =
    view.connections.length > 0 ? view.connections : shown === null ? [] : [shown];
  print(`step ${step.number}, ${seconds.toFixed(6)} s: ${step.text}`);
  if (step.packet !== null)
    for (const line of hexLines(step.packet.subarray(0, SHOWN_BYTES), 'hex'))
      print(line.replace('\t', '    '));
  for (const line of lines) print(`  ${line}`);
  for (const { number, flow, block, changes } of connections) {
    print(`#${number} ${flow}`);
    const changed = new Map(changes.map((c) => [c.name, c]));
    for (const [name, value] of block) {
      const change = changed.get(name);
      print(`  ${name}: ${change === undefined ? value : `${change.before} > ${value}   *`}`);
    }
  }
}

/** Of a packet: enough for its headers. */
const SHOWN_BYTES = 80;

/** How it ended, and the exit code. */
function ending(player: Player, o: ReplayCommandOptions, print: (line: string) => void): number {
  const { overview, divergence, at } = player;
  if (divergence !== null) {
    if (o.json === true) print(JSON.stringify({ divergence }));
    else process.stderr.write(`${pc.red('tcplab:')} ${divergenceText(divergence)}\n`);
    return Exit.failed;
  }
  const { steps, damage, isCut } = overview;
  if (o.json === true) print(JSON.stringify({ end: { steps: at, of: steps, damage } }));
  else {
    print(`${at} of ${steps} whole steps; the replay is the same as what was recorded`);
    if (damage !== null) process.stderr.write(`${pc.yellow('tcplab:')} ${damage}\n`);
  }
  return damage === null || isCut || at < steps ? Exit.ok : Exit.failed;
}

// ---- On a terminal ------------------------------------------------------------------------------

const paint: Paint = (style, text) => {
  switch (style) {
    case 'title':
      return pc.bold(text);
    case 'changed':
      return pc.cyan(text);
    case 'message':
      return pc.yellow(text);
    default:
      return pc.dim(text);
  }
};

async function interactive(player: Player, file: string): Promise<number> {
  const { stdin, stdout } = process;
  const session = new ReplaySession(player, file);
  const draw = (): void => {
    const lines = screenOf(session.state, stdout.columns, stdout.rows, paint);
    stdout.write(screenText(lines));
  };
  const restore = (): void => {
    stdin.setRawMode(false);
    stdout.write(LEAVE_SCREEN);
  };
  const killed = (): void => {
    restore();
    process.exit(Exit.failed);
  };
  stdout.write(ENTER_SCREEN);
  stdin.setRawMode(true);
  process.on('SIGTERM', killed);
  process.on('SIGHUP', killed);
  stdout.on('resize', draw);
  try {
    draw();
    for await (const chunk of stdin) {
      for (const key of keysOf(String(chunk))) if (!session.isOver) session.key(key);
      if (session.isOver) break;
      draw();
    }
  } finally {
    stdout.off('resize', draw);
    process.off('SIGTERM', killed);
    process.off('SIGHUP', killed);
    restore();
  }
  if (player.divergence === null) return Exit.ok;
  process.stderr.write(`${pc.red('tcplab:')} ${divergenceText(player.divergence)}\n`);
  return Exit.failed;
}
