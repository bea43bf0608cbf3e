/**
 * SVG as text, without a library. Colours are classes in one style sheet, with a second set for
 * dark pages (`prefers-color-scheme`), so that a picture fits the page that shows it.
 */

/** One decimal is a tenth of a pixel. */
export const n = (value: number): string => {
  const rounded = Math.round(value * 10) / 10;
  return Object.is(rounded, -0) ? '0' : String(rounded);
};

export const escapeText = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');

interface Shade {
  readonly light: string;
  readonly dark: string;
}

/** Readable on both grounds, and told apart by people who confuse red and green (Okabe and Ito). */
const SHADES = {
  ink: { light: '#1b1f24', dark: '#e8eaed' },
  soft: { light: '#59636e', dark: '#a6adb6' },
  grid: { light: '#e4e7eb', dark: '#30363d' },
  data: { light: '#0072b2', dark: '#56b4e9' },
  ack: { light: '#6b7480', dark: '#9aa3ad' },
  window: { light: '#00835f', dark: '#2fc79a' },
  loss: { light: '#c8401a', dark: '#ff7f50' },
  again: { light: '#a8327f', dark: '#e58ac8' },
  sack: { light: '#b07a00', dark: '#f0c040' },
  idle: { light: '#aab2bb', dark: '#57606a' },
} as const satisfies Readonly<Record<string, Shade>>;

export type Colour = keyof typeof SHADES;

function rules(kind: keyof Shade): string {
  const ground = kind === 'light' ? '#ffffff' : '#0d1117';
  const lines = [`.ground{fill:${ground}}`];
  for (const [name, shade] of Object.entries<Shade>(SHADES)) {
    lines.push(`.f-${name}{fill:${shade[kind]}}`, `.s-${name}{stroke:${shade[kind]}}`);
  }
  return lines.join('');
}

const STYLE =
  `text{font-family:system-ui,"DejaVu Sans",sans-serif;font-size:13px}` +
  `.m{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:12px}` +
  `.h{font-size:16px;font-weight:600}.l{fill:none;stroke-width:1.6}` +
  `.t{stroke-width:1;fill:none}.d{stroke-dasharray:5 4}`;

export class Svg {
  private readonly parts: string[] = [];
  private readonly width: number;
  height: number;
  private readonly title: string;
  private readonly description: string;

  constructor(width: number, height: number, title: string, description: string) {
    this.width = width;
    this.height = height;
    this.title = title;
    this.description = description;
  }

  add(...parts: string[]): void {
    this.parts.push(...parts);
  }

  text(
    x: number,
    y: number,
    text: string,
    o: { colour?: Colour; anchor?: 'start' | 'middle' | 'end'; kind?: string; turn?: number } = {},
  ): void {
    const { colour = 'ink', anchor = 'start', kind = '', turn } = o;
    const turned = turn === undefined ? '' : ` transform="rotate(${turn} ${n(x)} ${n(y)})"`;
    this.add(
      `<text x="${n(x)}" y="${n(y)}" class="f-${colour}${kind === '' ? '' : ` ${kind}`}"` +
        `${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}${turned}>` +
        `${escapeText(text)}</text>`,
    );
  }

  line(x1: number, y1: number, x2: number, y2: number, colour: Colour, kind = 't'): void {
    this.add(`<path d="M${n(x1)} ${n(y1)}L${n(x2)} ${n(y2)}" class="${kind} s-${colour}"/>`);
  }

  rect(x: number, y: number, width: number, height: number, colour: Colour, title = ''): void {
    const inner = title === '' ? '/>' : `><title>${escapeText(title)}</title></rect>`;
    this.add(
      `<rect x="${n(x)}" y="${n(y)}" width="${n(Math.max(width, 0.1))}" height="${n(height)}" ` +
        `class="f-${colour}"${inner}`,
    );
  }

  toString(): string {
    const { width, height } = this;
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${n(height)}" width="${width}" ` +
      `height="${n(height)}" role="img">\n<title>${escapeText(this.title)}</title>\n` +
      `<desc>${escapeText(this.description)}</desc>\n<style>${STYLE}${rules('light')}` +
      `@media (prefers-color-scheme:dark){${rules('dark')}}</style>\n` +
      `<rect class="ground" width="${width}" ` +
      `height="${n(height)}"/>\n${this.parts.join('\n')}\n</svg>\n`
    );
  }
}
