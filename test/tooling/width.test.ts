import { describe, expect, it } from 'vitest';
import { tooLong, WIDTH } from '../../.ci/width.mjs';

const LONG = 'x'.repeat(WIDTH + 1);

describe('npm run check:width', () => {
  it.each([
    ['a.ts', 'x'.repeat(WIDTH), []],
    ['a.ts', `${'─'.repeat(WIDTH)}\n${LONG}\n// ${LONG}`, [2, 3]],
    ['a.ts', `// see https://example.org/${LONG}`, []],
    ['a.ts', `// https://example.org ${LONG}`, [1]],
    ['a.ts', `| ${LONG} |`, [1]],
    ['a.md', `| ${LONG} |`, []],
    ['a.md', `\`\`\`\n${LONG}\n\`\`\`\n${LONG}`, [4]],
  ])('of %s, %j: %j', (file, text, expected) => {
    expect(tooLong(file, text)).toEqual(expected);
  });
});
