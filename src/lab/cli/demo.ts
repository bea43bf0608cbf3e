/**
 * `tcplab demo`, which `npm start` runs: the machine's own curl talks to our stack, and the demo
 * explains every segment. Then it shows the same with our first SYN,ACK dropped on purpose, and the
 * teardown step by step.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline/promises';
import pc from 'picocolors';
import { DropRule } from '../../device/link/drop-rules.js';
import { Link } from '../../device/link/link.js';
import { SERVICE_NAMES, startServices } from '../services/start.js';
import type { EventSink, TraceEvent } from '../../observe/events.js';
import { toAscii } from '../../base/ascii.js';
import { Ladder, wrap } from '../../observe/ladder.js';
import { CommandError, Exit } from './errors.js';
import { connectionsEnd, openLabHost, printEnd, TEARDOWN_MS } from './lab-host.js';
import { runChild } from './lab.js';
import type { SharedOptions } from './options.js';
import { columnsOf, isAsciiOnly } from './terminal.js';
import { paint } from './views.js';

/** curl's time limit, so that the demo always ends. */
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
  const lab = await openLabHost({ ...o, quiet: true }, { sink: gate.sink });
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
      'The same, but the link drops our first SYN,ACK: only the timer can detect that loss',
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

/** Prints lines for this terminal: it breaks those that are too long, and keeps their spaces. */
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
    `A private network namespace with one TUN device, ${device}. At one end is the kernel ` +
      `(198.18.0.1), with its own TCP and the machine's own curl.`,
    `At the other end is this process: TCP in TypeScript at ${address}. The machine's own ` +
      'network does not change, and the private one disappears at the end.',
    'The kernel is on the left, our stack on the right. Numbers are relative to the initial ' +
      'sequence number of each side; absolute numbers are in brackets.',
  ].join('\n');

const outro = (c: {
  TcpPassiveOpens: number;
  TcpInSegs: number;
  TcpOutSegs: number;
  TcpRetransSegs: number;
  TcpExtTCPTimeouts: number;
}): string =>
  `\n${c.TcpPassiveOpens} connections, ${c.TcpInSegs} segments in, ${c.TcpOutSegs} out, ` +
  `${c.TcpRetransSegs} retransmitted, ${c.TcpExtTCPTimeouts} timeouts.` +
  '\nNext: `npm run cli -- lab` for a shell in such a network, docs/labs/ for what to try there.';

/** Passes events on; after `waitForFin` it starts with the first FIN of the next connection. */
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
              'the program `curl`, which the demo runs, is not installed',
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
 * It also drops the kernel's second SYN if that comes before our timer expires. The SYN is due at
 * the same moment, and our stack would answer it with a SYN,ACK, but the demo is about our timer.
 */
function dropFirstSynAck(device: unknown): () => void {
  const rules = device instanceof Link ? (device.rules as DropRule[]) : [];
  rules.push(DropRule.parse('out:syn-ack:1'), DropRule.parse('in:syn:2-2'));
  return () => {
    rules.length = 0; // the next connection must not lose its SYN
  };
}

async function offerShell(address: string): Promise<void> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal
    .question(
      `\nOpen a shell in this network? There, curl ${address}, nc ${address} 7, ping ${address} ` +
        'and tcpdump -ni any work. [Y/n] ',
    )
    .catch(() => 'n');
  terminal.close();
  if (/^\s*(y|yes)?\s*$/i.test(answer)) await runChild([]);
}
