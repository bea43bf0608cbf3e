/**
 * The live lines that `serve` and `lab` print while they run.
 *
 *     12.003142 10.0.0.1:51422 → 10.0.0.2:80  [S] seq=0 win=64240 <mss 1460,sackOK,TS,ws 10>  ...
 *         why: ...                                                    (with `why`)
 */
import { countText } from '../base/quantities.js';
import type { Micros } from '../base/time.js';
import { DROP_TEXTS } from './drop-texts.js';
import type { EventSink } from './events.js';
import { Explainer } from './explain.js';
import { LineLimit } from './line-limit.js';
import { beginsLine, isOutgoing, type Step, StepBuilder } from './steps.js';
import { datagramText, FATE_TEXTS } from './stray-texts.js';
import { compactText, timeText } from './text.js';

export interface LiveOptions {
  /** Print `why:` lines under each step. */
  readonly why?: boolean;
  /** Most lines per second; further lines are only counted. 0, the default, means no limit. */
  readonly limit?: number;
  /** Prints only these steps. */
  readonly shows?: (step: Step) => boolean;
  /** Adds colours to a part of the text, by its kind. */
  readonly paint?: (kind: PaintKind, text: string) => string;
}

export type PaintKind = 'time' | 'drop' | 'state' | 'again' | 'why';

export class LiveLines {
  /** For a recorder whose events are also read by others: applies the limit to each event. */
  readonly sink: EventSink;
  /** For a recorder that asks `limit` itself before it makes an event. */
  readonly limitedSink: EventSink;
  readonly limit: LineLimit;
  private readonly print: (text: string) => void;
  private readonly why: boolean;
  private readonly shows: (step: Step) => boolean;
  private readonly paint: (kind: PaintKind, text: string) => string;
  private readonly explainer = new Explainer();
  private readonly steps = new StepBuilder((step) => {
    this.show(step);
  });

  /** `print` is called with one or more lines, separated by newlines. */
  constructor(print: (text: string) => void, options: LiveOptions = {}) {
    this.print = print;
    this.why = options.why ?? false;
    this.shows = options.shows ?? (() => true);
    this.paint = options.paint ?? ((_kind, text) => text);
    this.limit = new LineLimit(options.limit ?? 0);
    this.limit.onResume.push(() => {
      this.tellHidden();
    });
    this.limitedSink = this.steps.add;
    this.sink = (event) => {
      if (this.limit.lets(beginsLine(event), event.time)) this.steps.add(event);
    };
  }

  /** Prints all steps so far. Call it when the stack has finished its turn. */
  flush(): void {
    this.steps.flush();
  }

  /**
   * Prints the number of hidden lines once their second is over. `time` is on the events' scale.
   */
  tick(time: Micros): void {
    if (this.limit.isOver(time)) this.limit.resume();
  }

  /** Prints the last lines and the number of hidden ones. */
  end(): void {
    this.flush();
    this.tellHidden();
  }

  private show(step: Step): void {
    const line = this.line(step);
    const reasons = this.why ? this.explainer.why(step) : [];
    if (line === '' || !this.shows(step)) return;
    const lines = [`${this.paint('time', timeText(step.time))} ${line}`];
    for (const reason of reasons) lines.push(this.paint('why', `    why: ${reason}`));
    this.print(lines.join('\n'));
  }

  /** Prints the number of hidden lines. Explanations must not refer to steps before the gap. */
  private tellHidden(): void {
    const { hidden } = this.limit;
    if (hidden === 0) return;
    this.flush();
    this.explainer.forget();
    this.print(this.paint('time', `… and ${countText(hidden, 'more line')} in that second`));
  }

  private line(step: Step): string {
    const { main } = step;
    if (main === null) {
      const states = this.states(step);
      return states === '' ? '' : `${step.group_id.replace(' ', ' ↔ ')}  ${states}`;
    }
    switch (main.name) {
      case 'ip:datagram':
        return `${main.data.from} → ${main.data.to}  ${datagramText(main.data)}`;
      case 'ip:packet_dropped': {
        const text = (DROP_TEXTS as Readonly<Record<string, string>>)[main.data.reason] ?? '';
        const detail = main.data.detail === '' ? '' : ` (${main.data.detail})`;
        return this.paint('drop', `✗ ${main.data.reason}${detail}: ${text}`);
      }
      default: {
        const { data } = main;
        const [from, to] = isOutgoing(step) ? [data.local, data.remote] : [data.remote, data.local];
        const what =
          data.segment !== null
            ? compactText(data.segment)
            : 'protocol' in data
              ? `${data.protocol}, ${data.length} bytes`
              : '';
        return [`${from} → ${to}  ${what}`, ...this.remarks(step)].join('  ');
      }
    }
  }

  /** Remarks after a segment: sent again, dropped, lost, state changes. */
  private remarks(step: Step): string[] {
    const { main } = step;
    const remarks: string[] = [];
    if (main?.name === 'tcp:segment_sent' && main.data.again)
      remarks.push(this.paint('again', 'again'));
    if (main?.name === 'tcp:stray_received') remarks.push(FATE_TEXTS[main.data.done]);
    for (const e of step.effects)
      if (e.name === 'tcp:segment_dropped') remarks.push(this.paint('drop', `✗ ${e.data.reason}`));
    const link =
      main?.name === 'link:dropped' || main?.name === 'link:altered' ? [main] : step.link;
    for (const { data } of link)
      remarks.push(this.paint('drop', `✗ ${data.what} ${data.detail}`.trimEnd()));
    const states = this.states(step);
    if (states !== '') remarks.push(states);
    return remarks;
  }

  private states(step: Step): string {
    const path: string[] = [];
    for (const e of [...step.causes, ...step.effects]) {
      if (e.name !== 'tcp:state_changed') continue;
      if (path.at(-1) !== e.data.from) path.push(e.data.from);
      path.push(e.data.to);
    }
    return path.length === 0 ? '' : this.paint('state', path.join('→'));
  }
}
