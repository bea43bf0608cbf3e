#!/usr/bin/env node
/**
 * The `tcplab` command: names and options of the subcommands. Each subcommand is a file of its own.
 */
import { Argument, Command, CommanderError, Option } from 'commander';
import pc from 'picocolors';
import { version } from '../../node/version.js';
import { SCRIPT_OPTIONS } from '../script/option-table.js';
import { addAskCommands } from './ask-commands.js';
import { letHeapGrow } from './collector.js';
import { commandTable } from './command-table.js';
import { completionScript, HOW_TO_INSTALL, type Shell, SHELLS } from './completion.js';
import { enterIfWanted } from './entering.js';
import { CommandError, Exit } from './errors.js';
import type { LabOptions } from './lab.js';
import {
  integer,
  several,
  showsSegments,
  type ServeOptions,
  type SharedOptions,
  withSharedOptions,
} from './options.js';
import type { ExplainOptions } from './explain.js';
import type { FlowOptions } from './flow.js';
import type { GraphOptions } from './graph.js';
import { manualPage } from './manual.js';
import type { PingOptions } from './ping.js';
import type { ReplayCommandOptions } from './replay.js';
import type { ScriptCommandOptions } from './script.js';
import type { UpOptions } from './up.js';

letHeapGrow();
// The command continues if standard error fails: its reader has ended, or the disk is full.
process.stderr.on('error', () => undefined);

let exitCode: number = Exit.ok;
const ends = (code: number): void => {
  exitCode = code;
};

/**
 * A command that opens a stack. `enterIfWanted` runs it again in a private network namespace first.
 * A command loads its modules when it runs, because loading those of all commands would take most
 * of the start.
 */
const withStack = async (
  o: SharedOptions & { httpRoot?: string },
  run: () => Promise<number>,
): Promise<void> => {
  ends((await enterIfWanted(o)) ?? (await run()));
};

const port = integer('PORT', 1, 65_535);
const streamNumber = integer('--stream', 0, 1_000_000_000);

const EXITS =
  '0 done, 1 failed, 2 wrong usage, 77 this machine cannot run the command (tcplab doctor shows ' +
  'why).';

const program = new Command('tcplab')
  .description(
    "A TCP/IP stack in a user process behind a TUN device. The kernel's own curl, nc and " +
      'ping can talk to it.',
  )
  .version(version)
  .enablePositionalOptions()
  .configureOutput({ outputError: (text, write) => write(usageError(text)) })
  .exitOverride()
  .addHelpText('after', `\nExit codes: ${EXITS}`);

withSharedOptions(program.command('demo'))
  .description(
    'fetch a page from the stack with curl and explain every segment; again with a SYN,ACK ' +
      'lost; then the teardown',
  )
  .action(async (o: SharedOptions) => {
    await withStack(o, async () => (await import('./demo.js')).demo(o));
  });

withSharedOptions(program.command('lab'))
  .description('run the stack in a private network, and a shell or a command in the same network')
  .argument('[command...]', 'after --: the command to run instead of a shell')
  .option('--http-root <dir>', 'serve the files of this folder')
  .passThroughOptions()
  .action(async (command: string[], o: LabOptions) => {
    await withStack(o, async () => (await import('./lab.js')).lab(command, o));
  });

withSharedOptions(program.command('serve'))
  .description('serve http, echo, discard, chargen, daytime and time on their well-known ports')
  .argument('[service...]', 'default: all')
  .option(
    '--workers <n>',
    'use this many threads, each with its own queue of the device and its own stack',
    integer('--workers', 1, 64),
  )
  .option('--http-root <dir>', 'serve the files of this folder')
  .action(async (names: string[], o: ServeOptions) => {
    await withStack(o, async () => (await import('./serve.js')).serve(names, o));
  });

withSharedOptions(program.command('connect'))
  .description('connect to HOST PORT through the stack and copy standard input and output, like nc')
  .argument('<host>', 'an address, or a name from /etc/hosts')
  .argument('<port>', '', port)
  .action(async (host: string, n: number, o: SharedOptions) => {
    const quiet = !showsSegments(o);
    await withStack(o, async () => (await import('./pipe.js')).connect(host, n, { ...o, quiet }));
  });

withSharedOptions(program.command('listen'))
  .description('wait for one connection, then copy standard input and output, like nc -l')
  .argument('<port>', '', port)
  .action(async (n: number, o: SharedOptions) => {
    const quiet = !showsSegments(o);
    await withStack(o, async () => (await import('./pipe.js')).listen(n, { ...o, quiet }));
  });

withSharedOptions(program.command('ping'))
  .description('send ICMP echo requests from the stack')
  .argument('<host>', 'an address, or a name from /etc/hosts')
  .option('-c, --count <n>', 'number of echo requests', integer('--count', 1, 1_000_000), 4)
  .option('-s, --size <bytes>', 'bytes of data in each', integer('--size', 0, 65_507), 56)
  .option('-i, --interval <seconds>', 'time between them', Number, 1)
  .action(async (host: string, o: PingOptions) => {
    await withStack(o, async () => (await import('./ping.js')).ping(host, o));
  });

program
  .command('doctor')
  .description('check what this machine allows: one line for each check, with a fix if it fails')
  .option(
    '--address <ip/prefix>',
    "also check this address for the stack; repeatable (default: the lab's)",
    several,
  )
  .option('--inside', '(used by doctor itself in a private network)')
  .action(async (o: { address?: string[] }) => {
    ends((await import('./doctor.js')).doctor(o.address));
  });

program
  .command('replay')
  .description(
    'run a recorded stack again (serve --record FILE): step by step on a terminal, else as lines',
  )
  .argument('<file>', 'a recording')
  .option(
    '--until <n>',
    'stop behind this step, and print the control block',
    integer('--until', 1, 2 ** 40),
  )
  .option('--at <seconds>', 'the same at this time after the start', Number)
  .option('--json', 'print each step as a line of JSON')
  .addHelpText('after', '\nExit codes: 0 the same, 1 the replay differs or the file is damaged.')
  .action(async (file: string, o: ReplayCommandOptions) => {
    ends(await (await import('./replay.js')).replay(file, o));
  });

const scripts = program
  .command('script')
  .description(
    'play packet scripts (.pkt, the language of packetdrill) against the stack, in memory ' +
      'and in virtual time',
  )
  .argument('<script...>', 'files, folders, patterns in quotes, or - for standard input')
  .option('--format <format>', 'text, tap, junit or json', 'text')
  .option(
    '--strict',
    'also fail on unexpected packets at the end, on segments larger than the MSS and on ' +
      'wrong timestamps',
  )
  .option('-D, --define <NAME=VALUE>', 'define a name for the scripts; repeatable', several)
  .option(
    '--pcap <file>',
    'write all packets to this file; with several scripts, one file each into this folder',
  )
  .option('--trace', 'print what the stack does and why, as JSON Lines on standard error')
  .addHelpText(
    'after',
    '\nExit codes: 0 some passed and none failed, 1 some failed, 2 wrong usage, 77 all were ' +
      'skipped.',
  )
  .action(async (names: string[], o: ScriptCommandOptions) => {
    ends((await import('./script.js')).script(names, o));
  });
for (const [name, { value, help, isHidden }] of Object.entries(SCRIPT_OPTIONS)) {
  const option = new Option(value === null ? `--${name}` : `--${name} <${value}>`, help);
  scripts.addOption(option.hideHelp(isHidden === true));
}

addAskCommands(program, ends);

program
  .command('explain')
  .description(
    'explain the conversations of a capture: who closed or reset, what slowed them, what to try',
  )
  .argument('<file>', 'a capture of tcpdump or Wireshark (pcap, pcapng, .gz), or -')
  .argument('[filter...]', 'only these packets, as tcpdump: host 10.0.0.1 and port 80')
  .option('--stream <n>', "only this conversation: Wireshark's tcp.stream", streamNumber)
  .option('--limit <n>', 'conversations to explain', integer('--limit', 1, 1_000_000))
  .option('--markdown', 'for an incident note')
  .option('--json', 'as JSON, one line a conversation')
  .action(async (file: string, filter: string[], o: ExplainOptions) => {
    ends(await (await import('./explain.js')).explainCapture(file, { ...o, filter }));
  });

program
  .command('flow')
  .description('draw a conversation of a capture as a ladder, or list the conversations')
  .argument('<file>', 'a capture of tcpdump or Wireshark (pcap, pcapng, .gz), or -')
  .argument('[filter...]', 'only these packets, as tcpdump: host 10.0.0.1 and port 80')
  .option('--list', "list all conversations, as tshark's -z conv,tcp")
  .option(
    '--stream <n>',
    "the conversation: Wireshark's tcp.stream (default: the longest)",
    streamNumber,
  )
  .option('--format <format>', 'text, svg, mermaid or md', 'text')
  .option('-o, --output <file>', 'where it goes (default: standard output)')
  .option('-S, --absolute', 'absolute sequence numbers')
  .option('--time-scale', 'let the distance of steps follow the time between them')
  .option('--all', 'show each packet of long transfers')
  .option('--json', 'with --list: as JSON, one line a conversation')
  .action(async (file: string, filter: string[], o: FlowOptions) => {
    ends(await (await import('./flow.js')).flow(file, { ...o, filter }));
  });

program
  .command('graph')
  .description("draw a conversation of a capture as SVG, with Wireshark's names and meanings")
  .argument('<kind>', 'stevens, tcptrace, throughput, rtt, window or cwnd')
  .argument('<file>', 'a capture of tcpdump or Wireshark (pcap, pcapng, .gz), or -')
  .argument('[filter...]', 'only these packets, as tcpdump: host 10.0.0.1 and port 80')
  .option('-o, --output <file>', 'where the SVG goes (default: standard output)')
  .option(
    '--stream <n>',
    "the conversation: Wireshark's tcp.stream (default: the longest)",
    streamNumber,
  )
  .option('--from <side>', 'whose data: client or server (default: who sent more)')
  .action(async (kind: string, file: string, filter: string[], o: GraphOptions) => {
    ends(await (await import('./graph.js')).graph(kind, file, { ...o, filter }));
  });

program
  .command('up')
  .description('(with sudo) create a persistent TUN device that belongs to a user')
  .option('--user <name>', 'the owner (default: the user who called sudo)')
  .option('--tun <name>', 'name of the device')
  .option('--mtu <bytes>', 'MTU of the device', integer('--mtu', 68, 65_535))
  .option('--kernel-address <ip/prefix>', "the kernel's address on the device; repeatable", several)
  .option('--multi-queue', 'let several processes or threads attach')
  .action(async (o: UpOptions) => {
    ends((await import('./up.js')).up(o));
  });

program
  .command('down')
  .description('(with sudo) undo exactly what up did')
  .option('--tun <name>', 'name of the device')
  .action(async (o: { tun?: string }) => {
    ends((await import('./up.js')).down(o));
  });

program
  .command('completion')
  .description('print a script that completes commands and options in a shell')
  .addArgument(new Argument('<shell>').choices(SHELLS))
  .addHelpText('after', `\nTo install:\n${Object.values(HOW_TO_INSTALL).join('\n')}`)
  .action((shell: Shell) => {
    process.stdout.write(completionScript(shell, commandTable(program)));
  });

program
  .command('manual')
  .description('print the manual page: tcplab manual | man -l -')
  .action(() => {
    const about = program.description();
    process.stdout.write(manualPage(commandTable(program), version, about, EXITS));
  });

// A reader that ends early, such as `head`, is not an error: the command continues to its end and
// returns its exit code.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.exit(report(error));
});

try {
  await program.parseAsync();
} catch (error) {
  exitCode = report(error);
}
// The command is over, so nothing may keep the process alive. But exit() discards output that is
// still queued for a pipe, which takes 64 KiB at a time.
await Promise.all([process.stdout, process.stderr].map(written));
process.exit(exitCode);

/** Resolves when all output is written, or the reader has ended. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.once('error', () => resolve());
    stream.write('', () => resolve());
  });
}

/**
 * Rewrites commander's error about a command line as one sentence, with the command that shows the
 * help.
 */
function usageError(text: string): string {
  const command = process.argv
    .slice(2)
    .find((word) => program.commands.some((c) => c.name() === word));
  return (
    `${pc.red('tcplab:')} ${text.replace(/^error: /, '')}  fix: tcplab ` +
    `${command === undefined ? '' : `${command} `}--help   shows the options\n`
  );
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? Exit.ok : Exit.usage;
  if (error instanceof CommandError) {
    process.stderr.write(
      `${pc.red('tcplab:')} ${error.message}\n${error.fix === '' ? '' : `  fix: ${error.fix}\n`}`,
    );
    return error.exitCode;
  }
  const e = error as NodeJS.ErrnoException;
  process.stderr.write(
    `${pc.red('tcplab:')} ${e.code === undefined ? (e.stack ?? String(error)) : e.message}\n`,
  );
  return Exit.failed;
}
