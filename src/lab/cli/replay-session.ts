/**
 * `tcplab replay` on a terminal: keys in, screens out. It knows no terminal, so that tests can
 * press keys.
 */
import {
  FIRST_STEP,
  type Found,
  type Mark,
  type Player,
  type StepView,
} from '../../record/player.js';
import { divergenceText } from '../../record/transcript.js';
import type { ScreenState } from './replay-screen.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const MARKS: Readonly<Record<string, { mark: Mark; what: string }>> = {
  r: { mark: 'retransmission', what: 'retransmission' },
  d: { mark: 'drop', what: 'drop' },
  s: { mark: 'state', what: 'change of state' },
};

export class ReplaySession {
  readonly state: Mutable<ScreenState>;
  isOver = false;
  private readonly player: Player;
  private searched = '';

  constructor(player: Player, file: string) {
    this.player = player;
    const { steps, damage } = player.overview;
    this.state = {
      file,
      steps,
      view: null,
      message: damage === null ? '' : damage,
      prompt: null,
      isHelp: false,
    };
    this.show(player.next());
  }

  /** One key, as terminals send it: a letter, or an escape sequence. */
  key(key: string): void {
    const { state } = this;
    if (state.prompt !== null) {
      this.type(key);
      return;
    }
    state.message = '';
    const wasHelp = state.isHelp;
    state.isHelp = false;
    const mark = MARKS[key.toLowerCase()];
    if (mark !== undefined) {
      this.toMark(mark.mark, mark.what, key !== key.toLowerCase());
      return;
    }
    switch (key) {
      case 'n':
      case ' ':
      case 'j':
      case RIGHT:
      case DOWN:
        this.show(this.player.next());
        break;
      case 'b':
      case 'p':
      case 'k':
      case LEFT:
      case UP:
        if (this.player.at > FIRST_STEP) this.show(this.player.goTo(this.player.at - 1));
        else state.message = 'this is the first step';
        break;
      case '0':
        this.show(this.player.goTo(FIRST_STEP));
        break;
      case 'G':
        this.show(this.player.goTo(this.player.overview.steps));
        break;
      case '/':
        state.prompt = { label: 'search: ', text: '' };
        break;
      case 'g':
        state.prompt = { label: 'go to step, or time (1.5s): ', text: '' };
        break;
      case 'm':
        this.search(false);
        break;
      case 'M':
        this.search(true);
        break;
      case 'h':
      case '?':
        state.isHelp = !wasHelp;
        break;
      case 'q':
      case CTRL_C:
      case CTRL_D:
        this.isOver = true;
        break;
      default:
    }
  }

  private type(key: string): void {
    const { state } = this;
    const { label, text } = state.prompt!;
    if (key === '\r' || key === '\n') {
      state.prompt = null;
      this.answer(label, text);
    } else if (key === ESCAPE || key === CTRL_C) state.prompt = null;
    else if (key === '\x7f' || key === '\b') state.prompt = { label, text: text.slice(0, -1) };
    else if (key.length === 1 && key >= ' ') state.prompt = { label, text: text + key };
  }

  private answer(label: string, text: string): void {
    const { state, player } = this;
    if (text === '') return;
    if (label.startsWith('search')) {
      this.searched = text;
      this.search(false);
      return;
    }
    const isTime = text.endsWith('s');
    const n = Number(isTime ? text.slice(0, -1) : text);
    if (!(n >= 0)) state.message = `'${text}' is no step and no time: 120, or 1.5s`;
    else if (isTime) this.show(player.goToTime(n));
    else this.show(player.goTo(Math.min(Math.max(n, FIRST_STEP), player.overview.steps)));
  }

  private search(back: boolean): void {
    const text = this.searched.toLowerCase();
    if (text === '') this.state.message = 'nothing was searched yet: / searches';
    else this.find((found) => found.text.toLowerCase().includes(text), back, `'${text}'`);
  }

  private toMark(mark: Mark, what: string, back: boolean): void {
    this.find((found) => found.marks.has(mark), back, what);
  }

  private find(fits: (found: Found) => boolean, back: boolean, what: string): void {
    const { player } = this;
    const view = back ? player.findBack(fits) : player.find(fits);
    if (view !== null || player.divergence !== null) this.show(view);
    else this.state.message = `no ${what} ${back ? 'before' : 'after'} this step`;
  }

  private show(view: StepView | null): void {
    const { state, player } = this;
    if (view !== null) state.view = view;
    else if (player.divergence !== null) state.message = divergenceText(player.divergence);
    else state.message = player.overview.damage ?? 'this is the last step; the replay is the same';
  }
}

const CTRL_C = '\x03';
const CTRL_D = '\x04';
const ESCAPE = '\x1b';
const UP = '\x1b[A';
const DOWN = '\x1b[B';
const RIGHT = '\x1b[C';
const LEFT = '\x1b[D';

/** Cuts what a terminal sent at once into keys. */
export function keysOf(text: string): string[] {
  // eslint-disable-next-line no-control-regex -- terminals send these
  return text.match(/\x1b\[[0-9;]*[A-Za-z~]|[^]/gu) ?? [];
}
