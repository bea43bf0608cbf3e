/** A diagram with a time axis: frame, grid, labels, legend, and a place for the curves. */
import { linear, type Scale, type Unit } from './scale.js';
import { type Colour, n, Svg } from './svg.js';

export const PLOT_WIDTH = 960;
const LEFT = 84;
const RIGHT = 24;
const TOP = 100;
const HEIGHT = 400;
const LEGEND_ROW = 22;
const RIBBON = 16;
/** A bar that is shorter than this (pixels) would be invisible. */
const LEAST_BAR = 2.5;

export interface LegendEntry {
  readonly text: string;
  readonly colour: Colour;
  readonly shape: 'line' | 'dashes' | 'bar' | 'dot' | 'cross' | 'box' | 'R' | 'triangle';
}

export interface PlotOptions {
  readonly title: string;
  readonly subtitle: string;
  readonly yTitle: string;
  readonly yUnit: Unit;
  readonly seconds: readonly [from: number, to: number];
  readonly values: readonly [from: number, to: number];
  /** Leaves room for `ribbon` below the frame. */
  readonly hasRibbon?: boolean;
}

export class Plot {
  readonly x: Scale;
  readonly y: Scale;
  private readonly svg: Svg;

  private readonly legend: LegendEntry[] = [];
  private readonly ribbonTop: number;
  private readonly end: number;

  constructor(o: PlotOptions) {
    const bottom = TOP + HEIGHT;

    this.ribbonTop = bottom + 50;
    this.end = bottom + 56 + (o.hasRibbon === true ? 44 : 0);
    this.x = linear(o.seconds[0], o.seconds[1], LEFT, PLOT_WIDTH - RIGHT, 'seconds', 8);
    this.y = linear(o.values[0], o.values[1], bottom, TOP, o.yUnit, 6);
    this.svg = new Svg(PLOT_WIDTH, this.end, o.title, o.subtitle);
    const { svg, x, y } = this;
    svg.text(LEFT, 32, o.title, { kind: 'h' });
    svg.text(LEFT, 54, o.subtitle, { colour: 'soft' });
    for (const value of y.ticks) {
      svg.line(LEFT, y.at(value), PLOT_WIDTH - RIGHT, y.at(value), 'grid');
      svg.text(LEFT - 8, y.at(value) + 4, y.label(value), { anchor: 'end', colour: 'soft' });
    }
    for (const value of x.ticks) {
      svg.line(x.at(value), TOP, x.at(value), bottom, 'grid');
      const anchor = x.at(value) > PLOT_WIDTH - 40 ? 'end' : 'middle';
      svg.text(x.at(value), bottom + 20, x.label(value), { anchor, colour: 'soft' });
    }
    svg.line(LEFT, TOP, LEFT, bottom, 'soft');
    svg.line(LEFT, bottom, PLOT_WIDTH - RIGHT, bottom, 'soft');
    svg.text(LEFT, TOP - 12, o.yTitle, { colour: 'soft' });
    svg.text(PLOT_WIDTH - RIGHT, bottom + 38, 'time', { anchor: 'end', colour: 'soft' });
  }

  describe(...entries: LegendEntry[]): void {
    this.legend.push(...entries);
  }

  /** A line through the points, or steps: a value holds until the next. */
  curve(
    points: readonly (readonly [x: number, y: number])[],
    colour: Colour,
    o: CurveOptions = {},
  ): void {
    if (points.length === 0) return;
    const d: string[] = [];
    let lastY = NaN;
    let lastX = NaN;
    for (const [t, value] of thin(points, this.x)) {
      const px = this.x.at(t);
      const py = this.y.at(Math.min(value, this.y.to));
      if (d.length === 0) d.push(`M${n(px)} ${n(py)}`);
      else if (o.isStepped === true) {
        if (px !== lastX) d.push(`H${n(px)}`);
        if (py !== lastY) d.push(`V${n(py)}`);
      } else d.push(`L${n(px)} ${n(py)}`);
      lastX = px;
      lastY = py;
    }
    this.svg.add(
      `<path d="${d.join('')}" class="l s-${colour}${o.isDashed === true ? ' d' : ''}"/>`,
    );
  }

  dots(points: readonly (readonly [x: number, y: number])[], colour: Colour, radius = 2): void {
    const seen = new Set<string>();
    const d: string[] = [];
    for (const [t, value] of points) {
      const place = `${n(this.x.at(t))} ${n(this.y.at(value))}`;
      if (seen.has(place)) continue;
      seen.add(place);
      d.push(`M${place}h0`);
    }
    this.svg.add(
      `<path d="${d.join('')}" class="s-${colour}" stroke-width="${2 * radius}" ` +
        `stroke-linecap="round"/>`,
    );
  }

  /** Vertical bars from one value to another. */
  bars(
    bars: readonly (readonly [x: number, from: number, to: number])[],
    colour: Colour,
    width = 1.6,
  ): void {
    const seen = new Set<string>();
    for (const [t, from, to] of bars) {
      const bottom = this.y.at(from);
      const top = Math.min(this.y.at(to), bottom - LEAST_BAR);
      seen.add(`M${n(this.x.at(t))} ${n(bottom)}V${n(top)}`);
    }
    if (seen.size === 0) return;
    this.svg.add(
      `<path d="${[...seen].join('')}" class="s-${colour}" fill="none" stroke-width="${width}"/>`,
    );
  }

  /** A sign at a point, with the words that a mouse over it shows. */
  sign(
    shape: 'cross' | 'R' | 'triangle',
    t: number,
    value: number,
    colour: Colour,
    title: string,
  ): void {
    const x = this.x.at(t);
    const y = this.y.at(value);
    const about = title.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    this.svg.add(`<g><title>${about}</title>${signPath(shape, x, y, colour)}</g>`);
  }

  /** Coloured stretches of time below the frame. */
  ribbon(
    title: string,
    stretches: readonly (readonly [from: number, to: number, Colour, string])[],
  ): void {
    const top = this.ribbonTop;
    this.svg.text(LEFT, top - 6, title, { colour: 'soft' });
    for (const [from, to, colour, text] of stretches)
      this.svg.rect(this.x.at(from), top, this.x.at(to) - this.x.at(from), RIBBON, colour, text);
  }

  toString(): string {
    let x = LEFT;
    let y = this.end + 4;
    for (const entry of this.legend) {
      const width = 40 + 7.2 * entry.text.length;
      if (x + width > PLOT_WIDTH - RIGHT && x > LEFT) {
        x = LEFT;
        y += LEGEND_ROW;
      }
      this.drawEntry(entry, x, y);
      x += width;
    }
    this.svg.height = y + 18;
    return this.svg.toString();
  }

  private drawEntry({ text, colour, shape }: LegendEntry, x: number, y: number): void {
    const { svg } = this;
    const middle = y - 4;
    switch (shape) {
      case 'line':
        svg.line(x, middle, x + 20, middle, colour, 'l');
        break;
      case 'dashes':
        svg.line(x, middle, x + 20, middle, colour, 'l d');
        break;
      case 'bar':
        for (const dx of [4, 10, 16]) svg.line(x + dx, middle - 6, x + dx, middle + 6, colour, 'l');
        break;
      case 'box':
        svg.rect(x + 4, middle - 6, 12, 12, colour);
        break;
      case 'dot':
        svg.add(`<circle cx="${n(x + 10)}" cy="${n(middle)}" r="3" class="f-${colour}"/>`);
        break;
      case 'R':
        svg.add(signPath(shape, x + 10, y + 3, colour));
        break;
      default:
        svg.add(signPath(shape, x + 10, middle, colour));
    }
    svg.text(x + 26, y, text);
  }
}

interface CurveOptions {
  readonly isStepped?: boolean;
  readonly isDashed?: boolean;
}

function signPath(shape: 'cross' | 'R' | 'triangle', x: number, y: number, colour: Colour): string {
  if (shape === 'R')
    return (
      `<text x="${n(x)}" y="${n(y - 3)}" class="f-${colour}" text-anchor="middle" ` +
      `font-weight="700">R</text>`
    );
  if (shape === 'triangle')
    return `<path d="M${n(x - 5)} ${n(y + 5)}h10L${n(x)} ${n(y - 5)}z" class="f-${colour}"/>`;
  return (
    `<path d="M${n(x - 4)} ${n(y - 4)}l8 8M${n(x + 4)} ${n(y - 4)}l-8 8" class="s-${colour}" ` +
    `stroke-width="2.2" fill="none"/>`
  );
}

/** Of the points in one pixel column the first, the lowest, the highest and the last are kept. */
function thin(
  points: readonly (readonly [number, number])[],
  x: Scale,
): readonly (readonly [number, number])[] {
  if (points.length < 4 * PLOT_WIDTH) return points;
  const kept: (readonly [number, number])[] = [];
  let i = 0;
  while (i < points.length) {
    const column = Math.floor(x.at(points[i]![0]));
    let low = i;
    let high = i;
    let end = i;
    for (; end < points.length && Math.floor(x.at(points[end]![0])) === column; end++) {
      if (points[end]![1] < points[low]![1]) low = end;
      if (points[end]![1] > points[high]![1]) high = end;
    }
    const chosen = [...new Set([i, low, high, end - 1])].sort((a, b) => a - b);
    kept.push(...chosen.map((at) => points[at]!));
    i = end;
  }
  return kept;
}
