/**
 * `tcplab top`: the connections of a running stack on the whole screen, once a second. Without a
 * terminal it prints one look.
 */
import pc from 'picocolors';
import type { ControlClient } from '../control/client.js';
import { askStack, printJson, printLines, type AskOptions } from './asking.js';
import { Exit } from './errors.js';
import { ENTER_SCREEN, LEAVE_SCREEN, screenText } from './full-screen.js';
import { isAsciiOnly } from './terminal.js';
import { type Look, type Sort, TopHistory } from './top-data.js';
import { screenLines, type ScreenOptions } from './top-screen.js';

export interface TopOptions extends AskOptions {
  /** Seconds between two looks. */
  delay: number;
  sort: Sort;
}

const KEYS: Readonly<Record<string, Sort>> = {
  r: 'rate',
  t: 'rtt',
  c: 'cwnd',
  x: 'retrans',
  a: 'address',
};
const CTRL_C = '\x03';
const WIDE = 200;

export async function top(o: TopOptions): Promise<number> {
  return askStack(o, async (client) => {
    const onScreen = process.stdout.isTTY && process.stdin.isTTY && o.json !== true;
    if (onScreen) await new Screen(client, o).run();
    else await printOnce(client, o);
    return Exit.ok;
  });
}

async function look(client: ControlClient): Promise<Look> {
  const [{ sockets }, { kernel }] = await Promise.all([
    client.ask('ss', { all: true, listening: false, filter: '', detail: true }),
    client.ask('nstat', {}),
  ]);
  return { time: performance.now() / 1000, sockets, counters: kernel };
}

const pause = (seconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** Rates need two looks. */
async function printOnce(client: ControlClient, o: TopOptions): Promise<void> {
  const history = new TopHistory();
  history.add(await look(client));
  await pause(o.delay);
  const data = history.add(await look(client));
  if (o.json === true) printJson(data);
  else printLines(screenLines(data, { ...optionsOf(client.name, o.sort), columns: WIDE }));
}

const optionsOf = (name: string, sort: Sort): ScreenOptions => ({
  name,
  sort,
  columns: process.stdout.columns || WIDE,
  rows: Infinity,
  ascii: isAsciiOnly(),
  bold: (text) => text,
  keys: false,
});

/** The terminal is restored however the command ends. */
class Screen {
  private readonly client: ControlClient;
  private readonly history = new TopHistory();
  private readonly delay: number;
  private sort: Sort;
  private data: ReturnType<TopHistory['add']> | null = null;
  private finish: () => void = () => undefined;

  constructor(client: ControlClient, { delay, sort }: TopOptions) {
    this.client = client;
    this.delay = delay;
    this.sort = sort;
  }

  async run(): Promise<void> {
    const ended = new Promise<'ended'>((resolve) => {
      this.finish = () => {
        resolve('ended');
      };
    });
    this.enter();
    try {
      for (;;) {
        const looked = await Promise.race([look(this.client), ended]);
        if (looked === 'ended') return;
        this.data = this.history.add(looked);
        this.draw();
        if ((await Promise.race([pause(this.delay), ended])) === 'ended') return;
      }
    } finally {
      this.leave();
    }
  }

  private readonly leave = (): void => {
    process.off('exit', this.leave);
    process.stdin.off('data', this.onKey);
    process.stdout.off('resize', this.draw);
    process.stdin.setRawMode(false);
    process.stdin.pause();
    process.stdout.write(LEAVE_SCREEN);
  };

  private enter(): void {
    process.on('exit', this.leave);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, this.finish);
    process.stdin.setRawMode(true);
    process.stdin.setEncoding('utf8');
    process.stdin.on('data', this.onKey);
    process.stdout.on('resize', this.draw);
    process.stdout.write(ENTER_SCREEN);
  }

  private readonly onKey = (text: string): void => {
    for (const key of text) {
      if (key === 'q' || key === 'Q' || key === CTRL_C) this.finish();
      const sort = KEYS[key.toLowerCase()];
      if (sort !== undefined) this.sort = sort;
    }
    this.draw();
  };

  private readonly draw = (): void => {
    if (this.data === null) return;
    const lines = screenLines(this.data, {
      ...optionsOf(this.client.name, this.sort),
      rows: process.stdout.rows || 24,
      bold: (text) => pc.bold(text),
      keys: true,
    });
    process.stdout.write(screenText(lines));
  };
}
