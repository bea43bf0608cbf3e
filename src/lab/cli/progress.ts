/** How far a large file is read, in one line of a terminal that is erased at the end. */

/** Smaller files are read before anybody could look. */
const LEAST_BYTES = 50_000_000;
const CELLS = 40;
const ERASE = '\r\u001b[K';

export class Progress {
  private shown = -1;

  readonly show = (bytes: number, size: number | null): void => {
    if (size === null || size < LEAST_BYTES) return;
    const percent = Math.floor((100 * bytes) / size);
    if (percent === this.shown) return;
    this.shown = percent;
    const full = Math.round((CELLS * percent) / 100);
    process.stderr.write(`\r[${'#'.repeat(full).padEnd(CELLS, '.')}] ${percent} %`);
  };

  clear(): void {
    if (this.shown >= 0) process.stderr.write(ERASE);
    this.shown = -1;
  }
}
