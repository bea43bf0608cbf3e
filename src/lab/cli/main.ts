#!/usr/bin/env node
/** The `tcplab` command. Each subcommand is a file of its own; here is only what they are called. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import pc from 'picocolors';
import { SCRIPT_OPTIONS } from '../script/option-table.js';
import { letHeapGrow } from './collector.js';
import { enterIfWanted } from './entering.js';
import { CommandError, Exit } from './errors.js';
import type { LabOptions } from './lab.js';
import { integer, several, withSharedOptions, type SharedOptions } from './options.js';
import type { PingOptions } from './ping.js';
import type { ScriptCommandOptions } from './script.js';
import type { ServeOptions } from './serve.js';
import type { UpOptions } from './up.js';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

letHeapGrow();
// A reader that is gone, or a full disk behind `2>`, is no reason to end.
process.stderr.on('error', () => undefined);

let exitCode: number = Exit.ok;
const ends = (code: number): void => {
  exitCode = code;
};

/** A command that opens a stack. Each loads what it needs when it runs: most of the time until then would go into modules of others. */
const withStack = async (o: SharedOptions & { httpRoot?: string }, run: () => Promise<number>): Promise<void> => {
  ends((await enterIfWanted(o)) ?? (await run()));
};

const port = integer('PORT', 1, 65_535);

const program = new Command('tcplab')
  .description(
    "A TCP/IP stack in a user process behind a TUN device, for the kernel's own curl, nc and ping to talk to.",
  )
  .version(version)
  .enablePositionalOptions()
  .configureOutput({ outputError: (text, write) => write(usageError(text)) })
  .exitOverride()
  .addHelpText(
    'after',
    '\nExit codes: 0 done, 1 failed, 2 wrong usage, 77 this machine lacks what it takes (tcplab doctor says what).',
  );

withSharedOptions(program.command('demo'))
  .description(
    'curl fetches a page from our stack, every segment explained; then with a SYN,ACK lost; then the teardown',
  )
  .action(async (o: SharedOptions) => {
    await withStack(o, async () => (await import('./demo.js')).demo(o));
  });

withSharedOptions(program.command('lab'))
  .description('a private network with our stack in it, and a shell (or a command) beside it')
  .argument('[command...]', 'after --: what to run instead of a shell')
  .option('--http-root <dir>', 'serve the files of this folder')
  .passThroughOptions()
  .action(async (command: string[], o: LabOptions) => {
    await withStack(o, async () => (await import('./lab.js')).lab(command, o));
  });

withSharedOptions(program.command('serve'))
  .description('http, echo, discard, chargen, daytime, time on their well-known ports')
  .argument('[service...]', 'default: all')
  .option(
    '--workers <n>',
    'so many threads, each with a queue of the device and a stack of its own: for all cores',
    integer('--workers', 1, 64),
  )
  .option('--http-root <dir>', 'serve the files of this folder')
  .action(async (names: string[], o: ServeOptions) => {
    await withStack(o, async () => (await import('./serve.js')).serve(names, o));
  });

withSharedOptions(program.command('connect'))
  .description('standard input and output through our stack to HOST PORT, as nc does')
  .argument('<host>', 'a number, or a name of /etc/hosts')
  .argument('<port>', '', port)
  .action(async (host: string, n: number, o: SharedOptions) => {
    const quiet = o.why !== true;
    await withStack(o, async () => (await import('./pipe.js')).connect(host, n, { ...o, quiet }));
  });

withSharedOptions(program.command('listen'))
  .description('waits for one connection and is then as connect')
  .argument('<port>', '', port)
  .action(async (n: number, o: SharedOptions) => {
    const quiet = o.why !== true;
    await withStack(o, async () => (await import('./pipe.js')).listen(n, { ...o, quiet }));
  });

withSharedOptions(program.command('ping'))
  .description('echo requests from our stack')
  .argument('<host>', 'a number, or a name of /etc/hosts')
  .option('-c, --count <n>', 'how many', integer('--count', 1, 1_000_000), 4)
  .option('-s, --size <bytes>', 'bytes of data', integer('--size', 0, 65_507), 56)
  .option('-i, --interval <seconds>', 'between them', Number, 1)
  .action(async (host: string, o: PingOptions) => {
    await withStack(o, async () => (await import('./ping.js')).ping(host, o));
  });

program
  .command('doctor')
  .description('what this machine lets us do, one line and one fix each')
  .option('--address <ip/prefix>', "could the stack have this address? repeatable (default: the lab's)", several)
  .option('--inside', '(what doctor itself runs in a private network)')
  .action(async (o: { address?: string[] }) => {
    ends((await import('./doctor.js')).doctor(o.address));
  });

const scripts = program
  .command('script')
  .description('packet scripts (.pkt, the language of packetdrill) against our stack, in memory and in virtual time')
  .argument('<script...>', 'files, folders, patterns in quotes, or - for standard input')
  .option('--format <format>', 'text, tap, junit or json', 'text')
  .option('--strict', 'packets left over, segments larger than the MSS and wrong timestamps are failures, too')
  .option('-D, --define <NAME=VALUE>', 'a name for scripts to use; repeatable', several)
  .option('--pcap <file>', 'write all packets to this file; with several scripts, a file each into this folder')
  .option('--trace', 'what the stack does and why, as JSON Lines on standard error')
  .addHelpText(
    'after',
    '\nExit codes: 0 something passed and nothing failed, 1 something failed, 77 all was skipped, 2 wrong usage.',
  )
  .action(async (names: string[], o: ScriptCommandOptions) => {
    ends((await import('./script.js')).script(names, o));
  });
for (const [name, { value, help, isHidden }] of Object.entries(SCRIPT_OPTIONS)) {
  const option = new Option(value === null ? `--${name}` : `--${name} <${value}>`, help);
  scripts.addOption(option.hideHelp(isHidden === true));
}

program
  .command('up')
  .description('sudo: a persistent TUN device that belongs to a user')
  .option('--user <name>', 'whose it is (default: who called sudo)')
  .option('--tun <name>', 'its name')
  .option('--mtu <bytes>', 'its MTU', integer('--mtu', 68, 65_535))
  .option('--kernel-address <ip/prefix>', "the kernel's address on it; repeatable", several)
  .option('--multi-queue', 'several processes or threads may attach')
  .action(async (o: UpOptions) => {
    ends((await import('./up.js')).up(o));
  });

program
  .command('down')
  .description('sudo: takes back exactly what up did')
  .option('--tun <name>', 'its name')
  .action(async (o: { tun?: string }) => {
    ends((await import('./up.js')).down(o));
  });

// A reader who has seen enough, `head` say, is no error: the command goes on to its end, with its exit code.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.exit(report(error));
});

try {
  await program.parseAsync();
} catch (error) {
  exitCode = report(error);
}
// Nothing may hold the process now: whoever ended the command meant it. But a pipe takes 64 KiB at a time, and exit() throws away what waits for it.
await Promise.all([process.stdout, process.stderr].map(written));
process.exit(exitCode);

/** All that was written is out, or nobody reads it any more. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.once('error', () => resolve());
    stream.write('', () => resolve());
  });
}

/** What commander says of a command line that it does not understand: in one sentence, with what to type. */
function usageError(text: string): string {
  const command = process.argv.slice(2).find((word) => program.commands.some((c) => c.name() === word));
  return `${pc.red('tcplab:')} ${text.replace(/^error: /, '')}  fix: tcplab ${command === undefined ? '' : `${command} `}--help   says what there is\n`;
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? Exit.ok : Exit.usage;
  if (error instanceof CommandError) {
    process.stderr.write(`${pc.red('tcplab:')} ${error.message}\n${error.fix === '' ? '' : `  fix: ${error.fix}\n`}`);
    return error.exitCode;
  }
  const e = error as NodeJS.ErrnoException;
  process.stderr.write(`${pc.red('tcplab:')} ${e.code === undefined ? (e.stack ?? String(error)) : e.message}\n`);
  return Exit.failed;
}
