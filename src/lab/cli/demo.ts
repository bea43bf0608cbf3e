/**
 * `tcplab demo`, which is what `npm start` runs: the machine's own curl talks to our stack, and
 * every segment is shown with its reason. Then the same with our first SYN,ACK dropped on purpose,
 * and the teardown step by step.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline/promises';
import pc from 'picocolors';
import { DropRule } from '../../device/link/drop-rules.js';
import { Link } from '../../device/link/link.js';
import { SERVICE_NAMES, startServices } from '../services/start.js';
import type { EventSink, TraceEvent } from '../../observe/events.js';
import { toAscii } from '../../observe/ascii.js';
import { Ladder, wrap } from '../../observe/ladder.js';
import { CommandError, Exit } from './errors.js';
import { connectionsEnd, openLabHost, printEnd, TEARDOWN_MS } from './lab-host.js';
import { runChild } from './lab.js';
import type { SharedOptions } from './options.js';
import { columnsOf, isAsciiOnly } from './terminal.js';
import { paint } from './views.js';

/** curl's own limit, so that a demo ends whatever happens. */
const CURL_SECONDS = '20';

export async function demo(o: SharedOptions): Promise<number> {
  const columns = columnsOf(process.stdout);
  const ascii = isAsciiOnly();
  const print = printer(columns, ascii);
  const ladder = new Ladder(print, {
    ascii,
    ...(columns === undefined ? {} : { columns }),
    ...(pc.isColorSupported ? { paint } : {}),
  });
  const gate = new Gate(ladder.sink);
  const lab = await openLabHost({ ...o, quiet: true }, { sink: gate.sink, alwaysLink: true });
  const { host } = lab;
  host.onIdle = () => {
    ladder.flush();
  };
  try {
    const running = await startServices(host, SERVICE_NAMES);
    const [v4, v6] = ['4', '6'].map((v) =>
      host.stack.addresses.list.find((a) => String(a.version) === v)?.toString(),
    );
    print(intro(lab.tun.name, v4 ?? v6!));
    const title = (n: number, text: string): void => {
      print(`\n${pc.bold(`${n}. ${text}`)}\n`);
    };
    const codes: number[] = [];
    const urls = [
      ...(v4 === undefined ? [] : [`http://${v4}/`]),
      ...(v6 === undefined ? [] : [`http://[${v6}]/`]),
    ];
    for (const [i, url] of urls.entries()) {
      title(i + 1, `The kernel's curl fetches ${url} from our stack`);
      codes.push(await curl(url, print));
      await connectionsEnd(host, TEARDOWN_MS);
    }
    title(
      urls.length + 1,
      'The same, but the link drops our first SYN,ACK: only the timer can notice that',
    );
    const undo = dropFirstSynAck(host.device);
    codes.push(await curl(urls[0]!, print));
    await connectionsEnd(host, TEARDOWN_MS);
    undo();
    title(
      urls.length + 2,
      'The teardown, step by step: both directions close on their own, each with a FIN and its ACK',
    );
    gate.waitForFin = true;
    codes.push(await curl(urls[0]!, print, true));
    await connectionsEnd(host, TEARDOWN_MS);
    print(outro(host.stack.counters));
    const failed = codes.find((code) => code !== 0);
    if (process.stdin.isTTY && process.stdout.isTTY) await offerShell(v4 ?? v6!);
    running.close();
    return failed ?? Exit.ok;
  } finally {
    lab.close();
    printEnd(host, o, (line) => process.stderr.write(`${line}\n`));
  }
}

/** Lines for this terminal: broken where they are longer than it is wide, with spaces kept. */
function printer(columns: number | undefined, ascii: boolean): (line: string) => void {
  return (line) => {
    const text = ascii ? toAscii(line) : line;
    const lines =
      columns === undefined
        ? [text]
        : text.split('\n').flatMap((part) => wrap(part, columns, '    '));
    process.stdout.write(`${lines.join('\n')}\n`);
  };
}

const intro = (device: string, address: string): string =>
  [
    `A private network namespace with one TUN device, ${device}. At its one end is the ` +
      `kernel (198.18.0.1), with its own TCP and the machine's own curl;`,
    `at the other this process: TCP in TypeScript at ${address}. Nothing of the machine's ` +
      'network is touched, and all of it is gone afterwards.',
    "Left is the kernel, right our stack. Numbers are relative to each side's initial " +
      'sequence number, absolute in brackets.',
  ].join('\n');

const outro = (c: {
  TcpPassiveOpens: number;
  TcpInSegs: number;
  TcpOutSegs: number;
  TcpRetransSegs: number;
  TcpExtTCPTimeouts: number;
}): string =>
  `\n${c.TcpPassiveOpens} connections, ${c.TcpInSegs} segments in, ${c.TcpOutSegs} out, ` +
  `${c.TcpRetransSegs} sent again after ${c.TcpExtTCPTimeouts} timeouts.` +
  '\nNext: `npm run cli -- lab` for a shell in such a network, docs/labs/ for what to try there.';

/** Lets events through; after `waitForFin` only from the next connection's first FIN on. */
class Gate {
  waitForFin = false;
  readonly sink: EventSink;

  constructor(inner: EventSink) {
    this.sink = (event) => {
      if (this.waitForFin && carriesFin(event)) this.waitForFin = false;
      if (!this.waitForFin) inner(event);
    };
  }
}

const carriesFin = (event: TraceEvent): boolean =>
  (event.name === 'tcp:segment_received' || event.name === 'tcp:segment_sent') &&
  event.data.segment.flags.includes('F');

/** Runs curl; with `quiet` only its exit code matters. */
function curl(url: string, print: (line: string) => void, quiet = false): Promise<number> {
  const args = [
    quiet ? '-sS' : '-sSv',
    '--max-time',
    CURL_SECONDS,
    '--globoff',
    '--noproxy',
    '*',
    ...(quiet ? ['-o', '/dev/null'] : []),
    url,
  ];
  print(`$ curl ${args[0]!} ${url}`);
  return new Promise((resolve, reject) => {
    const child = spawn('curl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.on('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'ENOENT'
          ? new CommandError(
              Exit.environment,
              'the program `curl` is not there, and the demo shows it talking to our stack',
              'sudo apt-get install curl',
            )
          : error,
      );
    });
    child.on('close', (code) => {
      const lines = said
        .trimEnd()
        .split('\n')
        .filter((line) => line.trim() !== '');
      if (!quiet) for (const line of lines) print(`  curl | ${line}`);
      resolve(code ?? Exit.failed);
    });
  });
}

/**
 * And the kernel's second SYN, should it come before our timer expires: it is due at the same
 * moment, and would be answered with another SYN,ACK. Here it is our timer that is to be seen.
 */
function dropFirstSynAck(device: unknown): () => void {
  const rules = device instanceof Link ? (device.rules as DropRule[]) : [];
  rules.push(DropRule.parse('out:syn-ack:1'), DropRule.parse('in:syn:2-2'));
  return () => {
    rules.length = 0; // what comes next is not to lose its SYN to them
  };
}

async function offerShell(address: string): Promise<void> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal
    .question(
      `\nA shell in this network? curl ${address}, nc ${address} 7, ping ${address}, tcpdump ` +
        '-ni any work in it. [Y/n] ',
    )
    .catch(() => 'n');
  terminal.close();
  if (/^\s*(y|yes)?\s*$/i.test(answer)) await runChild([]);
}
