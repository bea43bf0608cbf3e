/**
 * What a running stack shows: live lines or JSON Lines on standard error or in a file, and a
 * capture. All of it fed by one recorder.
 */
import pc from 'picocolors';
import { Capture } from '../../device/capture.js';
import type { Micros } from '../../base/time.js';
import type { Device } from '../../device/device.js';
import type { LinkListener } from '../../device/link/lane.js';
import { monotonicClock } from '../../node/clock.js';
import { toAscii } from '../../observe/ascii.js';
import { CaptureFile } from '../../observe/capture-file.js';
import type { EventSink } from '../../observe/events.js';
import { fanOutEvents, fanOutLink } from '../../observe/fanout.js';
import { LiveLines, type PaintKind } from '../../observe/live.js';
import { Recorder } from '../../observe/recorder.js';
import { clockEpoch } from './clock.js';
import type { SharedOptions } from './options.js';
import { Output } from './output.js';
import { isAsciiOnly } from './terminal.js';

/** More lines a second than a person could follow are only counted. */
const LINES_A_SECOND = 200;
/** How soon after a second its hidden lines are told, at the latest. */
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
  /** Null without a view: then the stack records nothing. */
  readonly recorder: Recorder | null;
  private readonly live: LiveLines | null = null;
  private readonly file: CaptureFile | null = null;
  private readonly outputs: Output[] = [];
  private ticker: NodeJS.Timeout | null = null;

  constructor(o: SharedOptions, deviceName: string, extra: EventSink | null = null) {
    const sinks: EventSink[] = extra === null ? [] : [extra];
    if (o.pcap !== undefined) {
      const capture = this.opened(o.pcap === '-' ? Output.standardOutput() : Output.file(o.pcap));
      this.file = new CaptureFile((bytes) => capture.write(bytes), {
        name: deviceName,
        application: 'tcplab',
        epoch: clockEpoch(),
      });
      sinks.push(this.file.sink);
    }
    if (o.quiet !== true) {
      const log = this.opened(o.log === undefined ? Output.standardError() : Output.file(o.log));
      const print = (line: string): void => {
        log.write(Buffer.from(`${line}\n`));
      };
      if (o.json === true)
        sinks.push((event) => {
          print(JSON.stringify(event));
        });
      else {
        const colours = o.log === undefined && pc.isColorSupported ? { paint } : {};
        const fit =
          o.log === undefined && isAsciiOnly() ? (text: string) => print(toAscii(text)) : print;
        this.live = new LiveLines(fit, { why: o.why === true, limit: LINES_A_SECOND, ...colours });
      }
    }
    this.recorder = this.recorderFor(sinks, monotonicClock());
  }

  /**
   * Live lines alone have their limit in front of the recorder: a hidden line costs nothing then.
   */
  private recorderFor(sinks: readonly EventSink[], start: Micros): Recorder | null {
    const { live } = this;
    if (live === null)
      return sinks.length === 0 ? null : new Recorder(fanOutEvents(...sinks), start);
    this.ticker = setInterval(() => {
      live.tick(monotonicClock() - start);
    }, TICK_MS).unref();
    return sinks.length === 0
      ? new Recorder(live.limitedSink, start, live.limit)
      : new Recorder(fanOutEvents(...sinks, live.sink), start);
  }

  /**
   * The device with a capture before it, when one was asked for: nearest to the wire, so that it
   * shows what really passed.
   */
  tap(device: Device): Device {
    return this.file === null ? device : new Capture(device, this.file);
  }

  /** For the link: what it takes away is shown too. */
  get linkListener(): LinkListener | null {
    const listeners = [this.recorder, this.file].filter(
      (x): x is Recorder & CaptureFile => x !== null,
    );
    return listeners.length === 0 ? null : fanOutLink(...listeners);
  }

  /** What is complete by now. */
  flush(): void {
    this.live?.flush();
    this.file?.flush();
  }

  close(): void {
    if (this.ticker !== null) clearInterval(this.ticker);
    this.live?.end();
    this.file?.close(monotonicClock());
    for (const output of this.outputs.splice(0)) output.close();
  }

  private opened(output: Output): Output {
    this.outputs.push(output);
    return output;
  }
}
