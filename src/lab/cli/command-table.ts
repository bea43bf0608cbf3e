/** The commands and their options as plain data, from which completions and the manual are made. */
import type { Command } from 'commander';

export interface OptionRow {
  /** `-c, --count <n>` */
  readonly flags: string;
  readonly short: string | null;
  readonly long: string | null;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
  readonly description: string;
}

export interface CommandRow {
  readonly name: string;
  /** `[service...]` */
  readonly usage: string;
  readonly description: string;
  readonly options: readonly OptionRow[];
}

export function commandTable(program: Command): CommandRow[] {
  const help = program.createHelp();
  return help
    .visibleCommands(program)
    .filter((command) => command.name() !== 'help')
    .map((command) => ({
      name: command.name(),
      usage: command.registeredArguments
        .map((a) => {
          const name = `${a.name()}${a.variadic ? '...' : ''}`;
          return a.required ? `<${name}>` : `[${name}]`;
        })
        .join(' '),
      description: command.description(),
      options: help.visibleOptions(command).map((o) => ({
        flags: o.flags,
        short: o.short ?? null,
        long: o.long ?? null,
        takesValue: o.required || o.optional,
        choices: o.argChoices ?? [],
        description: o.description,
      })),
    }));
}
