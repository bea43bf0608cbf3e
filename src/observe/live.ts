/**
 * Live lines: what `serve` and `lab` print while they run.
 *
 *     12.003142 10.0.0.1:51422 → 10.0.0.2:80  [S] seq=0 win=64240 <mss 1460,sackOK,TS,ws 10>  LISTEN→SYN-RECEIVED
 *         why: ...                                                    (with `why`)
 */
import { countText } from '../base/quantities.js';
import { SECOND } from '../base/time.js';
import { DROP_TEXTS } from './drop-texts.js';
import type { EventSink } from './events.js';
import { Explainer } from './explain.js';
import { isOutgoing, type Step, StepBuilder } from './steps.js';
import { compactText, timeText } from './text.js';

export interface LiveOptions {
  /** A `why:` line under each step. */
  readonly why?: boolean;
  /** Most lines for each second; of the others only their number is told. 0, the default: all. */
  readonly limit?: number;
  /** Colours and the like; `kind` is `time`, `drop`, `state`, `again`, `why`. */
  readonly paint?: (kind: PaintKind, text: string) => string;
}

export type PaintKind = 'time' | 'drop' | 'state' | 'again' | 'why';

export class LiveLines {
  /** For a recorder. */
  readonly sink: EventSink;
  private readonly print: (line: string) => void;
  private readonly why: boolean;
  private readonly paint: (kind: PaintKind, text: string) => string;
  private readonly limit: number;
  private second = 0;
  private inSecond = 0;
  private hidden = 0;
  private readonly explainer = new Explainer();
  private readonly steps = new StepBuilder((step) => {
    this.show(step);
  });

  constructor(print: (line: string) => void, options: LiveOptions = {}) {
    this.print = print;
    this.why = options.why ?? false;
    this.limit = options.limit ?? 0;
    this.paint = options.paint ?? ((_kind, text) => text);
    this.sink = this.steps.add;
  }

  /** Prints what is complete by now: call it when the stack has run and waits for the next packet. */
  flush(): void {
    this.steps.flush();
  }

  /** The last lines, and how many were left out. */
  end(): void {
    this.flush();
    this.tellHidden();
  }

  private show(step: Step): void {
    const why = this.explainer.why(step);
    const line = this.line(step);
    if (line === '' || this.isTooMuch(step)) return;
    this.print(`${this.paint('time', timeText(step.time))} ${line}`);
    if (!this.why) return;
    for (const reason of why) this.print(this.paint('why', `    why: ${reason}`));
  }

  /** A bulk transfer would drown everything else. */
  private isTooMuch(step: Step): boolean {
    if (this.limit === 0) return false;
    const second = Math.floor(step.time / SECOND);
    if (second !== this.second) {
      this.tellHidden();
      this.second = second;
      this.inSecond = 0;
    }
    if (++this.inSecond <= this.limit) return false;
    this.hidden++;
    return true;
  }

  private tellHidden(): void {
    if (this.hidden > 0) this.print(this.paint('time', `… and ${countText(this.hidden, 'more line')} in that second`));
    this.hidden = 0;
  }

  private line(step: Step): string {
    const { main } = step;
    if (main === null) {
      const states = this.states(step);
      return states === '' ? '' : `${step.group_id.replace(' ', ' ↔ ')}  ${states}`;
    }
    switch (main.name) {
      case 'ip:datagram':
        return `${main.data.from} → ${main.data.to}  ${main.data.text}`;
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

  /** What stands after a segment: sent again, dropped, lost, its state changes. */
  private remarks(step: Step): string[] {
    const { main } = step;
    const remarks: string[] = [];
    if (main?.name === 'tcp:segment_sent' && main.data.again) remarks.push(this.paint('again', 'again'));
    if (main?.name === 'tcp:stray_received') remarks.push(main.data.done);
    for (const e of step.effects)
      if (e.name === 'tcp:segment_dropped') remarks.push(this.paint('drop', `✗ ${e.data.reason}`));
    const link = main?.name === 'link:dropped' || main?.name === 'link:altered' ? [main] : step.link;
    for (const { data } of link) remarks.push(this.paint('drop', `✗ ${data.what} ${data.detail}`.trimEnd()));
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
