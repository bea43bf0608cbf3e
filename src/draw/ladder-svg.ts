/**
 * The ladder as SVG. Arrows slope downwards, because a packet needs time; a lost one ends in a
 * cross; a line beside the lifelines ties what was sent again to its original.
 */
import type { Conversation } from '../analyse/conversation.js';
import { duration } from '../analyse/explain/names.js';
import { ANY_RETRANSMISSION } from '../analyse/marks.js';
import type { Row } from '../analyse/transcript.js';
import {
  goesRight,
  heads,
  type LadderOptions,
  remarks,
  type Run,
  runsOf,
  runText,
  secondsText,
  stateChanges,
  stepParts,
} from './ladder.js';
import { TcpFlag } from '../wire/tcp.js';
import { type Colour, n, Svg } from './svg.js';

const WIDTH = 960;
const LEFT = 200;
const RIGHT = 760;
const TOP = 92;
const STEP = 46;
/** A step with a remark needs a line more. */
const REMARK = 16;
const SLOPE = 14;
/** A pause of the whole time scale. */
const MOST_PAUSE = 160;

export function ladderSvg(conv: Conversation, rows: readonly Row[], o: LadderOptions = {}): string {
  const [client, server] = heads(conv);
  const svg = new Svg(
    WIDTH,
    TOP,
    `Conversation of ${client} and ${server}`,
    `${rows.length} packets of stream ${conv.index}, time downwards`,
  );
  const runs = [...runsOf(rows, o.all)];
  const places = placesOf(runs, o);
  const bottom = (places.at(-1)?.y ?? TOP) + STEP + REMARK;
  svg.height = bottom + 24;
  svg.text(LEFT, 36, 'client', { anchor: 'middle', kind: 'h' });
  svg.text(RIGHT, 36, 'server', { anchor: 'middle', kind: 'h' });
  svg.text(LEFT, 58, client, { anchor: 'middle', colour: 'soft' });
  svg.text(RIGHT, 58, server, { anchor: 'middle', colour: 'soft' });
  svg.line(LEFT, 70, LEFT, bottom, 'soft', 'l');
  svg.line(RIGHT, 70, RIGHT, bottom, 'soft', 'l');
  const heights = new Map<number, number>();
  let before: Row | null = null;
  for (const { run, y, pause } of places) {
    const row = run.rows[0]!;
    if (pause > 0) drawPause(svg, y, pause);
    if (run.rows.length > 1) drawSummary(svg, run, y, conv);
    else {
      drawStep(svg, row, before, y, conv, o);
      const original = heights.get(row.repeats);
      if (original !== undefined) drawTie(svg, original, y, goesRight(row, conv));
      heights.set(row.number, y);
    }
    before = run.rows.at(-1)!;
  }
  return svg.toString();
}

interface Place {
  readonly run: Run;
  readonly y: number;
  /** Nanoseconds of silence before it that are worth a word; else 0. */
  readonly pause: number;
}

function placesOf(runs: readonly Run[], o: LadderOptions): Place[] {
  const total = Math.max(1, (runs.at(-1)?.rows.at(-1)!.time ?? 0) - (runs[0]?.rows[0]!.time ?? 0));
  const places: Place[] = [];
  let y = TOP;
  let last = runs[0]?.rows[0]!.time ?? 0;
  for (const run of runs) {
    const row = run.rows[0]!;
    const gap = row.time - last;
    const isLong = gap > total / 12;
    if (o.timeScale === true) y += Math.min(4 * MOST_PAUSE, (gap / total) * runs.length * STEP);
    else if (isLong) y += 24;
    places.push({ run, y, pause: isLong ? gap : 0 });
    y += STEP + (run.rows.length === 1 && remarks(row).length > 0 ? REMARK : 0);
    last = run.rows.at(-1)!.time;
  }
  return places;
}

function drawPause(svg: Svg, y: number, nanos: number): void {
  const at = y - 24;
  svg.line(LEFT, at, RIGHT, at, 'idle', 't d');
  svg.text(LEFT - 12, at + 4, `+ ${duration(nanos)}`, { anchor: 'end', colour: 'soft' });
}

function drawSummary(svg: Svg, run: Run, y: number, conv: Conversation): void {
  const first = run.rows[0]!;
  svg.text(LEFT - 12, y + 4, secondsText(first.time), { anchor: 'end', kind: 'm', colour: 'soft' });
  svg.line(LEFT + 8, y + 12, RIGHT - 8, y + 12, 'grid', 't');
  svg.text((LEFT + RIGHT) / 2, y + 4, `… ${runText(run, conv)} …`, {
    anchor: 'middle',
    colour: 'soft',
  });
}

function drawStep(
  svg: Svg,
  row: Row,
  before: Row | null,
  y: number,
  conv: Conversation,
  o: LadderOptions,
): void {
  const right = goesRight(row, conv);
  const colour = colourOf(row);
  const [from, to] = right ? [LEFT, RIGHT] : [RIGHT, LEFT];
  const end = row.isLost ? (from + to) / 2 : to;
  const slope = row.isLost ? SLOPE / 2 : SLOPE;
  svg.text(LEFT - 12, y + 4, secondsText(row.time), { anchor: 'end', kind: 'm', colour: 'soft' });
  svg.text(18, y + 4, `#${row.number}`, { kind: 'm', colour: 'soft' });
  svg.line(from, y, end, y + slope, colour, 'l');
  const back = right ? -1 : 1;
  if (row.isLost)
    svg.add(
      `<path d="M${n(end - 6)} ${n(y + slope - 6)}l12 12M${n(end + 6)} ` +
        `${n(y + slope - 6)}l-12 12" ` +
        'class="s-loss" stroke-width="2.4" fill="none"/>',
    );
  else
    svg.add(
      `<path d="M${n(to)} ${n(y + slope)}l${n(back * 11)} ${n(-5.2)}l${n(-back * 0.6)} ` +
        `9.6z" class="f-${colour}"/>`,
    );
  const label = stepParts(row, o).join('  ');
  svg.text((LEFT + RIGHT) / 2, y - 5, label.length > 70 ? `${label.slice(0, 69)}…` : label, {
    anchor: 'middle',
    kind: 'm',
  });
  const special = remarks(row);
  if (special.length > 0)
    svg.text((LEFT + RIGHT) / 2, y + slope + 17, special.join('; ').slice(0, 84), {
      anchor: 'middle',
      colour,
    });
  const [client, server] = stateChanges(row, before, conv);
  if (client !== '') svg.text(LEFT - 12, y + 22, client, { anchor: 'end', colour: 'window' });
  if (server !== '') svg.text(RIGHT + 12, y + SLOPE + 6, server, { colour: 'window' });
}

/** From the original to its repetition, on the sender's side. */
function drawTie(svg: Svg, from: number, to: number, right: boolean): void {
  const x = right ? LEFT : RIGHT;
  const reach = (right ? 1 : -1) * 26;
  svg.add(
    `<path d="M${n(x)} ${n(from)}C${n(x + reach)} ${n(from)} ${n(x + reach)} ${n(to)} ` +
      `${n(x)} ${n(to)}" ` +
      'class="t d s-again"/>',
  );
}

function colourOf(row: Row): Colour {
  if ((row.flags & TcpFlag.RST) !== 0 || row.isLost) return 'loss';
  if ((row.marks & ANY_RETRANSMISSION) !== 0 || row.repeats > 0) return 'again';
  if (row.marks !== 0) return 'sack';
  return row.length > 0 || (row.flags & (TcpFlag.SYN | TcpFlag.FIN)) !== 0 ? 'data' : 'ack';
}
