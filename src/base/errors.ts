/** An error with the name that C programs and Node know it by: `EADDRINUSE`, `ECONNRESET`, ... */
export class StackError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}
