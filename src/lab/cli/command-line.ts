/** How this program was called: `tcplab serve http --loss 5%`. */
export const commandLine = (): string => ['tcplab', ...process.argv.slice(2)].join(' ');
