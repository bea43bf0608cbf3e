/** An error with the errno name that C programs and Node use: `EADDRINUSE`, `ECONNRESET`, ... */
export class StackError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}
