/** `tcplab completion`: a script that completes commands, options and their choices in a shell. */
import type { CommandRow, OptionRow } from './command-table.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** How a shell loads the script at each start. */
export const HOW_TO_INSTALL: Readonly<Record<Shell, string>> = {
  bash: 'tcplab completion bash > ~/.local/share/bash-completion/completions/tcplab',
  zsh: 'tcplab completion zsh > ~/.zfunc/_tcplab   with fpath+=(~/.zfunc) before compinit',
  fish: 'tcplab completion fish > ~/.config/fish/completions/tcplab.fish',
};

export function completionScript(shell: Shell, commands: readonly CommandRow[]): string {
  const head = `# Completion of tcplab. To install: ${HOW_TO_INSTALL[shell]}`;
  switch (shell) {
    case 'bash':
      return `${head}\n${bash(commands)}`;
    case 'zsh':
      return `#compdef tcplab\n${head}\n${zsh(commands)}`;
    case 'fish':
      return `${head}\n${fish(commands)}`;
  }
}

const names = ({ short, long }: OptionRow): string[] =>
  [short, long].filter((name): name is string => name !== null);

function bash(commands: readonly CommandRow[]): string {
  const cases = commands.map((c) => {
    const words = c.options.flatMap(names).join(' ');
    return `    ${c.name}) words='${words}' ;;`;
  });
  const values = commands.flatMap((c) =>
    c.options
      .filter((o) => o.choices.length > 0)
      .flatMap((o) =>
        names(o).map((name) => `    '${c.name} ${name}') words='${o.choices.join(' ')}' ;;`),
      ),
  );
  return `_tcplab() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  local command=\${COMP_WORDS[1]} words=
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${commands.map((c) => c.name).join(' ')}' -- "$word"))
    return
  fi
  case "$command $before" in
${values.join('\n')}
  esac
  if [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    return
  fi
  case "$command" in
${cases.join('\n')}
  esac
  if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "$words" -- "$word"))
  else COMPREPLY=($(compgen -f -- "$word")); fi
}
complete -o filenames -F _tcplab tcplab
`;
}

/** Text within single quotes of a shell, without what zsh's specifications mean by it. */
const quoted = (text: string): string => text.replaceAll("'", "'\\''");
const forZsh = (text: string): string =>
  quoted(text.replaceAll('\\', '\\\\').replaceAll(/[[\]:]/g, '\\$&'));

function zsh(commands: readonly CommandRow[]): string {
  const list = commands.map((c) => `    '${c.name}:${forZsh(c.description)}'`);
  const cases = commands.map((c) => {
    const specs = c.options.flatMap((o) =>
      names(o).map((name) => {
        const value = !o.takesValue
          ? ''
          : o.choices.length > 0
            ? `:value:(${o.choices.join(' ')})`
            : ':value:_files';
        return `'${name}[${forZsh(o.description)}]${value}'`;
      }),
    );
    return `    ${c.name}) _arguments ${[...specs, "'*:file:_files'"].join(' \\\n      ')} ;;`;
  });
  return `_tcplab() {
  local -a commands=(
${list.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join('\n')}
  esac
}
_tcplab "$@"
`;
}

function fish(commands: readonly CommandRow[]): string {
  const lines = commands.map(
    (c) =>
      `complete -c tcplab -n __fish_use_subcommand -f -a ${c.name} -d '${forFish(c.description)}'`,
  );
  for (const c of commands) {
    for (const o of c.options) {
      const short = o.short === null ? '' : ` -s ${o.short.slice(1)}`;
      const long = o.long === null ? '' : ` -l ${o.long.slice(2)}`;
      const value = !o.takesValue
        ? ''
        : o.choices.length > 0
          ? ` -x -a '${o.choices.join(' ')}'`
          : ' -r';
      lines.push(
        `complete -c tcplab -n '__fish_seen_subcommand_from ${c.name}'${short}${long}${value} ` +
          `-d '${forFish(o.description)}'`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

const forFish = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
