/** A Vite plugin that gives tests the sources with one line changed, on the way to them: the files stay as they are. */
import type { Plugin } from 'vitest/config';

/** One change, as JSON in TCPLAB_MUTANT: the text `search`, which stands in `file` exactly once, becomes `replace`. */
export interface Mutation {
  readonly file: string;
  readonly search: string;
  readonly replace: string;
}

export function mutation(json: string | undefined): Plugin {
  const change = json === undefined || json === '' ? null : (JSON.parse(json) as Mutation);
  return {
    name: 'tcplab-mutation',
    enforce: 'pre',
    transform(code, id) {
      if (change === null || !id.split('?')[0]!.endsWith(`/${change.file}`)) return null;
      return { code: applyMutation(code, change), map: null };
    },
  };
}

/** Throws an Error unless `search` stands in `code` exactly once, and differs from `replace`. */
export function applyMutation(code: string, { file, search, replace }: Mutation): string {
  const parts = code.split(search);
  if (parts.length !== 2) {
    throw new Error(`${file} has ${parts.length - 1} times the text of its mutant, and must have it once: ${search}`);
  }
  if (search === replace) throw new Error(`a mutant of ${file} changes nothing: ${search}`);
  return parts.join(replace);
}
