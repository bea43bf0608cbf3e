/** A folder for the control sockets of each test, and what a test has open in it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

const VARIABLE = 'TCPLAB_RUNTIME_DIR';

export interface RuntimeFolder {
  /** The folder of the sockets; it does not exist at first. */
  readonly path: string;
  /** Closed after the test, the last first. */
  readonly open: { close(): void }[];
}

export function runtimeFolder(): RuntimeFolder {
  const before = process.env[VARIABLE];
  const folder = { path: '', open: [] as { close(): void }[] };
  beforeEach(() => {
    folder.path = join(mkdtempSync(join(tmpdir(), 'tcplab-control-')), 'sockets');
    process.env[VARIABLE] = folder.path;
  });
  afterEach(() => {
    for (const one of folder.open.splice(0).reverse()) one.close();
    if (before === undefined) delete process.env[VARIABLE];
    else process.env[VARIABLE] = before;
    rmSync(join(folder.path, '..'), { recursive: true, force: true });
  });
  return folder;
}
