/** Cuts what comes over a socket into lines. */
export class LineReader {
  private parts: string[] = [];
  private length = 0;
  private readonly onLine: (line: string) => void;
  private readonly most: number;
  private readonly onTooLong: () => void;

  /** `onTooLong` is called for a line of more than `most` characters, whose rest is not kept. */
  constructor(onLine: (line: string) => void, most: number, onTooLong: () => void) {
    this.onLine = onLine;
    this.most = most;
    this.onTooLong = onTooLong;
  }

  push(text: string): void {
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      const line = this.parts.join('') + text.slice(from, end);
      this.parts = [];
      this.length = 0;
      from = end + 1;
      if (line.trim() !== '') this.onLine(line);
    }
    if (from === text.length) return;
    const rest = text.slice(from);
    this.length += rest.length;
    if (this.length > this.most) {
      this.parts = [];
      this.length = 0;
      this.onTooLong();
      return;
    }
    this.parts.push(rest);
  }
}
