/**
 * All of test/scripts, in strict mode: each passes, or its failure is shown as `tcplab script`
 * shows it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseScript } from '../../../src/lab/script/parse.js';
import { runScript } from '../../../src/lab/script/run.js';

const FOLDER = 'test/scripts';

describe.each(
  readdirSync(FOLDER, { withFileTypes: true }).flatMap((d) => (d.isDirectory() ? [d.name] : [])),
)('%s', (theme) => {
  const files = readdirSync(join(FOLDER, theme)).filter((name) => name.endsWith('.pkt'));
  it.each(files)('%s', (name) => {
    const file = join(FOLDER, theme, name);
    const verdict = runScript(parseScript(file, readFileSync(file, 'utf8')), { strict: true });
    const { outcome, reason, place, differences, packets } = verdict;
    expect({ outcome, reason, place, differences, packets }).toEqual({
      outcome: 'PASS',
      reason: '',
      place: null,
      differences: [],
      packets: [],
    });
  });
});

it('docs/differences-from-linux.md names the scripts that mean to differ, and no others', () => {
  const doc = readFileSync('docs/differences-from-linux.md', 'utf8');
  const table = doc.slice(
    doc.indexOf('## Scripts in which'),
    doc.indexOf('## What no script says'),
  );
  const named = [...table.matchAll(/test\/scripts\/([\w/-]+\.pkt)/g)].map(([, name]) => name);
  const scripts = (readdirSync(FOLDER, { recursive: true }) as string[]).filter((name) =>
    name.endsWith('.pkt'),
  );
  const differing = scripts.filter((name) =>
    /^\/\/ differs: /m.test(readFileSync(join(FOLDER, name), 'utf8')),
  );
  expect(named.sort()).toEqual(differing.sort());
});
