// @ts-check
/**
 * The head of a packet script: what it shows, what proves that, and why it differs from Linux.
 *
 *     // shows: one sentence, which may continue
 *     //   on lines that are indented by two more blanks.
 *     // proves: RFC 5961 3.2
 */

/** @typedef {'shows' | 'proves' | 'differs'} Part */

/** Each part as one line, or '' if it is missing. @param {string} text */
export function headOf(text) {
  /** @type {Record<Part, string>} */
  const head = { shows: '', proves: '', differs: '' };
  /** @type {Part | null} */
  let part = null;
  for (const line of text.split('\n')) {
    const begins = /^\/\/ (shows|proves|differs): (.*)$/.exec(line);
    const goesOn = /^\/\/ {3}(\S.*)$/.exec(line);
    if (begins !== null) {
      part = /** @type {Part} */ (begins[1]);
      head[part] = begins[2] ?? '';
    } else if (goesOn !== null && part !== null) {
      head[part] += ` ${goesOn[1]}`;
    } else {
      break;
    }
  }
  return head;
}
