/** The commands that ask a running stack: their names, options and help. */
import { type Command, Option } from 'commander';
import { withAskOptions, type AskOptions } from './asking.js';
import type { DumpOptions } from './dump.js';
import { CommandError, Exit } from './errors.js';
import type { MetricsOptions } from './metrics.js';
import type { NstatOptions } from './nstat.js';
import { integer } from './options.js';
import { STEP_KINDS } from '../../observe/step-filter.js';
import type { SsOptions } from './ss.js';
import type { TopOptions } from './top.js';
import { SORTS } from './top-data.js';
import type { TraceOptions } from './trace.js';

const FILTER = `
Filter, as in ss(8):
  state STATE, exclude STATE   established, syn-sent, syn-recv, fin-wait-1, fin-wait-2, time-wait,
                               close-wait, last-ack, closing, listening, closed; all, connected,
                               synchronized, bucket, big
  sport OP :PORT, dport OP :PORT   OP: = != > < >= <=
  src HOST, dst HOST               HOST: ADDRESS[/BITS][:PORT]
  and, or, not, ( )`;
const SS_HELP = `${FILTER}
For example: tcplab ss -tin state established '( sport = :80 and dst 198.18.0.0/24 )'`;

const KILL_HELP = `${FILTER}
For example: tcplab kill dport = :51422`;
const TRACE_HELP = `
For example: tcplab trace --only retransmissions sport = :80`;
const DUMP_HELP = `
For example: tcplab dump -nvX --why 'tcp port 80'
             tcplab dump -w - | wireshark -k -i -`;
const FAULTS_HELP = `
  show                 what is set, and what happened so far (the default)
  set WORDS            these faults and no others; the random numbers begin again
  add WORDS            these too
  drop RULE...         these drop rules too
  clear                none
Words, as tc netem's, each for both directions or after 'in' (towards the stack) or 'out':
  loss 5%  delay 50ms [10ms]  jitter 10ms  reorder 2%  duplicate 1%  corrupt 0.1%  mark 5%
  rate 10mbit  limit 100|64kb  mtu 1280 [blackhole|no-mtu]  seed 7  drop RULE
Rules: [in:|out:]KIND[:COUNT][@[ADDRESS][/BITS][:PORT]]
  KIND: any syn syn-ack fin rst ack data udp icmp nth every; COUNT: 2, 5-7, or a share: 5%
For example: tcplab faults set in loss 5% out delay 50ms 10ms seed 7
             tcplab faults drop 'out:syn-ack:2' 'data:5%@198.18.0.1:80'`;

function seconds(text: string): number {
  const n = Number(text);
  if (n >= 0.1 && n <= 3600) return n;
  throw new CommandError(Exit.usage, `--delay is 0.1 to 3600 seconds, not '${text}'`, '--delay 1');
}

/** Adds them to the program. `ends` takes the exit code. */
export function addAskCommands(program: Command, ends: (code: number) => void): void {
  withAskOptions(program.command('ss'))
    .description("show the sockets of a running stack, as ss shows the kernel's")
    .argument('[filter...]', 'state STATE, and a condition')
    .option('-t, --tcp', 'TCP sockets (there are no others)')
    .option('-l, --listening', 'only listening sockets')
    .option('-a, --all', 'listening and non-listening sockets')
    .option('-n, --numeric', 'numbers instead of names of services')
    .option('-i, --info', "TCP's own numbers: round trip, windows, counts")
    .option('-e, --extended', 'user, number of the socket, directions that are shut')
    .option('-o, --options', 'the timer that is armed')
    .option('-m, --memory', 'memory of the socket')
    .option('-H, --no-header', 'no header line')
    .addHelpText('after', SS_HELP)
    .action(async (filter: string[], o: SsOptions) => {
      ends(await (await import('./ss.js')).ss(filter, o));
    });

  withAskOptions(program.command('nstat'))
    .description("show the counters of a running stack, by the kernel's names, as nstat does")
    .argument('[pattern...]', "names to show, with * and ?: 'TcpExt*'")
    .option('-a, --ignore', 'since the stack was started, not since the last call')
    .option('-z, --zeros', 'also counters that are zero')
    .option('-s, --no-update', 'do not remember what is shown')
    .option('-r, --reset', 'forget what was shown before')
    .action(async (patterns: string[], o: NstatOptions) => {
      ends(await (await import('./nstat.js')).nstat(patterns, o));
    });

  withAskOptions(program.command('metrics'))
    .description("print a running stack's state as OpenMetrics text")
    .option('--listen <place>', 'serve it at http://127.0.0.1:PORT/metrics: PORT or ADDRESS:PORT')
    .action(async (o: MetricsOptions) => {
      ends(await (await import('./metrics.js')).metrics(o));
    });

  withAskOptions(program.command('top'))
    .description('show the connections of a running stack on the whole screen')
    .option('-d, --delay <seconds>', 'time between two looks', seconds, 1)
    .addOption(new Option('--sort <by>', 'what to sort by').choices(SORTS).default('rate'))
    .action(async (o: TopOptions) => {
      ends(await (await import('./top.js')).top(o));
    });

  withAskOptions(program.command('faults'))
    .description('show or change what the link around a running stack loses, delays and damages')
    .argument('[words...]', 'show, set WORDS, add WORDS, drop RULES, clear')
    .addHelpText('after', FAULTS_HELP)
    .action(async (words: string[], o: AskOptions) => {
      ends(await (await import('./faults.js')).faults(words, o));
    });

  withAskOptions(program.command('kill'))
    .description('abort connections of a running stack and list them, as ss -K')
    .argument('[filter...]', 'which; required')
    .option('-n, --numeric', 'numbers instead of names of services')
    .option('-H, --no-header', 'no header line')
    .addHelpText('after', KILL_HELP)
    .action(async (filter: string[], o: SsOptions) => {
      ends(await (await import('./kill.js')).kill(filter, o));
    });

  withAskOptions(program.command('trace'))
    .description('print the segments of a running stack as they come, with the reasons')
    .argument('[condition...]', 'which connections: sport, dport, src, dst, as in tcplab ss')
    .addOption(new Option('--only <kind>', 'only these').choices(STEP_KINDS))
    .option('--no-why', 'without the reasons')
    .addHelpText('after', TRACE_HELP)
    .action(async (words: string[], o: TraceOptions) => {
      ends(await (await import('./trace.js')).trace(words, o));
    });

  program
    .command('dump')
    .description('print the packets of a running stack, or of a capture file, as tcpdump does')
    .argument('[filter...]', "a capture filter, as tcpdump's: tcp port 80 and host 198.18.0.1")
    .option('--stack <name>', 'the stack to capture at, if several are running')
    .option(
      '-r, --read <file>',
      'read this capture file (pcap or pcapng, .gz; - for standard input)',
    )
    .option(
      '-w, --write <file>',
      'write pcapng to this file (- for standard output), print nothing',
    )
    .option('-c, --count <n>', 'end after this many packets', integer('--count', 1, 1e9))
    .option('-S, --absolute', 'absolute sequence numbers')
    .option('-n, --numeric', 'numbers instead of names (always so)')
    .option('-v, --verbose', 'also the IP header')
    .option('-x, --hex', 'also the bytes in hex')
    .option('-X, --hex-ascii', 'also the bytes in hex and ASCII')
    .addOption(
      new Option('-t, --time <style>', 'clock, none, epoch (-tt), delta (-ttt), date (-tttt)')
        .choices(['clock', 'none', 'epoch', 'delta', 'date'])
        .default('clock'),
    )
    .option('--why', "also the stack's reasons: the comments of the packets")
    .addHelpText('after', DUMP_HELP)
    .action(async (words: string[], o: DumpOptions) => {
      ends(await (await import('./dump.js')).dump(words, o));
    });

  withAskOptions(program.command('info'))
    .description('say which stack is running: process, device, addresses')
    .action(async (o: AskOptions) => {
      ends(await (await import('./info.js')).info(o));
    });
}
