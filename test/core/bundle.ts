/** Bundles `tcplab/core` into one script for a browser, with rolldown. */
import { resolve } from 'node:path';
import { rolldown } from 'rolldown';

const ROOT = resolve(import.meta.dirname, '../..');
const ENTRY = 'bundle-entry';

export interface Bundle {
  /** A script that makes `tcplab` global. */
  code: string;
  /**
   * Imported modules that are not in the bundle because they are not files of this project, such
   * as `node:fs`.
   */
  outside: string[];
  /** The modules of the bundle, by their path from the root. */
  modules: string[];
}

/** Bundles src/core.ts, or the file `entry`. */
export async function bundleForBrowser(entry = "export * from './src/core.ts';"): Promise<Bundle> {
  const bundle = await rolldown({
    input: ENTRY,
    cwd: ROOT,
    platform: 'browser',
    logLevel: 'silent',
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    external: (id) => !/^[./]|^bundle-entry$/.test(id),
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === ENTRY ? resolve(ROOT, 'bundle-entry.ts') : null),
        load: (id) => (id.endsWith('bundle-entry.ts') ? entry : null),
      },
    ],
  });
  const { output } = await bundle.generate({ format: 'iife', name: 'tcplab' });
  await bundle.close();
  const [chunk] = output;
  const modules = chunk.moduleIds
    .filter((id) => !id.includes('bundle-entry'))
    .map((id) => id.replace(`${ROOT}/`, ''));
  return { code: chunk.code, outside: [...chunk.imports, ...chunk.dynamicImports], modules };
}
