/** The manual page tcplab(1), in man(7)'s macros, from the table of commands. */
import type { CommandRow } from './command-table.js';

/** `exits`: the program's own words about its exit codes. */
export function manualPage(
  commands: readonly CommandRow[],
  version: string,
  description: string,
  exits: string,
): string {
  const lines = [
    `.TH TCPLAB 1 "" "tcplab ${version}" "User Commands"`,
    '.SH NAME',
    'tcplab \\- a TCP/IP stack in a user process',
    '.SH SYNOPSIS',
    '.B tcplab',
    '.I COMMAND',
    '[\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]',
    '.SH DESCRIPTION',
    roff(description),
    '.SH COMMANDS',
  ];
  for (const c of commands) {
    lines.push(
      `.SS tcplab ${roff(c.name)} ${roff(c.usage)}`.trimEnd(),
      roff(sentence(c.description)),
    );
    for (const o of c.options) lines.push('.TP', `\\fB${roff(o.flags)}\\fR`, roff(optionText(o)));
  }
  lines.push(
    '.SH EXIT STATUS',
    roff(exits),
    '.SH ENVIRONMENT',
    '.TP',
    '\\fBTCPLAB_STACK\\fR',
    'the running stack that the commands ask, if \\fB\\-\\-stack\\fR is not given',
    '.TP',
    '\\fBTCPLAB_RUNTIME_DIR\\fR, \\fBXDG_RUNTIME_DIR\\fR',
    'where the control sockets of running stacks are',
    '.TP',
    '\\fBNO_COLOR\\fR',
    'no colours',
    '.SH SEE ALSO',
    'ss(8), nstat(8), tcpdump(1), tc\\-netem(8), wireshark(1)',
  );
  return `${lines.join('\n')}\n`;
}

const optionText = ({ description, choices }: CommandRow['options'][number]): string =>
  choices.length === 0 ? description : `${description}: ${choices.join(', ')}`;

const sentence = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}.`;

/** Escapes what roff gives a meaning: backslashes, hyphens, and a dot or a quote at the start. */
const roff = (text: string): string =>
  text
    .trim()
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^([.'])/gm, '\\&$1');
