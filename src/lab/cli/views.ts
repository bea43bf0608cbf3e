/**
 * What a running stack shows: live lines or JSON Lines on standard error or in a file, and a
 * capture. One recorder feeds them all.
 */
import pc from 'picocolors';
import { Capture } from '../../device/capture.js';
import type { Micros } from '../../base/time.js';
import type { Device } from '../../device/device.js';
import { epochOf, monotonicClock } from '../../node/clock.js';
import { version } from '../../node/version.js';
import { toAscii } from '../../base/ascii.js';
import { CaptureFile } from '../../observe/capture-file.js';
import { startedEvent } from '../../observe/event-hub.js';
import type { EventSink } from '../../observe/events.js';
import { fanOutEvents, type LinkListenerSet } from '../../observe/fanout.js';
import { LiveLines, type PaintKind } from '../../observe/live.js';
import { qlogSink } from '../../observe/qlog.js';
import { Recorder, type RecorderOptions } from '../../observe/recorder.js';
import type { ConnectionEnds } from '../../stack/tcp/connections.js';

import { showsSegments, type SharedOptions } from './options.js';
import { Output } from './output.js';
import { SummaryLines } from './summary-lines.js';
import { isAsciiOnly } from './terminal.js';

/** Lines beyond this rate, which is too fast to read, are only counted. */
const LINES_A_SECOND = 200;
/** The number of lines hidden in a second is printed at most this long after it. */
const TICK_MS = 500;

export const paint = (kind: PaintKind, text: string): string => {
  switch (kind) {
    case 'drop':
      return pc.red(text);
    case 'state':
      return pc.cyan(text);
    case 'again':
      return pc.yellow(text);
    default:
      return pc.dim(text);
  }
};

export class Views {
  /** Null if there is no view; the stack then records nothing. */
  readonly recorder: Recorder | null;
  private readonly live: LiveLines | null = null;
  private readonly summaries: SummaryLines | null = null;
  private readonly file: CaptureFile | null = null;
  private readonly outputs: Output[] = [];
  private readonly ticker: NodeJS.Timeout | null = null;

  constructor(o: SharedOptions, deviceName: string, extra: EventSink | null = null) {
    const start = monotonicClock();
    const startedAt = epochOf(monotonicClock) + start;
    const sinks: EventSink[] = extra === null ? [] : [extra];
    /** True if a view shows more events than lines do. */
    let all = false;
    if (o.qlog !== undefined) {
      const log = this.opened(Output.file(o.qlog));
      const write = (record: string): void => {
        log.write(Buffer.from(record));
      };
      const at = { vantagePoint: deviceName, startedAt: startedAt / 1000, version };
      sinks.push(qlogSink({ write, ...at }));
      all = true;
    }
    if (o.pcap !== undefined) {
      const capture = this.opened(o.pcap === '-' ? Output.standardOutput() : Output.file(o.pcap));
      this.file = new CaptureFile((bytes) => capture.write(bytes), {
        name: deviceName,
        application: 'tcplab',
        epoch: epochOf(monotonicClock),
      });
      sinks.push(this.file.sink);
    }
    if (o.quiet !== true) {
      const log = this.opened(o.log === undefined ? Output.standardError() : Output.file(o.log));
      const print = (line: string): void => {
        log.write(Buffer.from(`${line}\n`));
      };
      const fit =
        o.log === undefined && isAsciiOnly() ? (text: string) => print(toAscii(text)) : print;
      if (o.json === true) {
        const sink: EventSink = (event) => {
          print(JSON.stringify(event));
        };
        sink(startedEvent({ startedAt, version }));
        sinks.push(sink);
        all = true;
      } else if (!showsSegments(o)) {
        this.summaries = new SummaryLines(fit, LINES_A_SECOND, start);
      } else {
        const colours = o.log === undefined && pc.isColorSupported ? { paint } : {};
        this.live = new LiveLines(fit, { why: o.why === true, limit: LINES_A_SECOND, ...colours });
      }
    }
    this.recorder = this.recorderFor(sinks, start, all);
    const { live, summaries } = this;
    if (live !== null || summaries !== null)
      this.ticker = setInterval(() => {
        live?.tick(monotonicClock() - start);
        summaries?.tick(monotonicClock());
      }, TICK_MS).unref();
  }

  /** What the stack must call when a connection ends; null without summaries. */
  get onConnectionEnd(): ConnectionEnds | null {
    return this.summaries?.ended ?? null;
  }

  /**
   * If live lines are the only view, their limit is before the recorder, so that a hidden line
   * costs nothing.
   */
  private recorderFor(sinks: readonly EventSink[], start: Micros, all: boolean): Recorder | null {
    const { live } = this;
    const options: RecorderOptions = all ? {} : { only: 'lines' };
    if (live === null)
      return sinks.length === 0 ? null : new Recorder(fanOutEvents(...sinks), start, options);
    return sinks.length === 0
      ? new Recorder(live.limitedSink, start, { limit: live.limit, ...options })
      : new Recorder(fanOutEvents(...sinks, live.sink), start, options);
  }

  /**
   * The device, with a capture around it. The capture is nearest to the wire, so that it shows what
   * really passed.
   */
  tap(device: Device): Capture {
    return this.file === null ? new Capture(device) : new Capture(device, this.file);
  }

  /** Also shows the packets that the link drops. */
  listenTo(link: LinkListenerSet): void {
    if (this.recorder !== null) link.add(this.recorder);
    if (this.file !== null) link.add(this.file);
  }

  /** Prints what is complete by now. */
  flush(): void {
    this.live?.flush();
    this.file?.flush();
  }

  close(): void {
    if (this.ticker !== null) clearInterval(this.ticker);
    this.live?.end();
    this.summaries?.end();
    this.file?.close(monotonicClock());
    for (const output of this.outputs.splice(0)) output.close();
  }

  private opened(output: Output): Output {
    this.outputs.push(output);
    return output;
  }
}
