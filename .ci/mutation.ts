/**
 * A Vite plugin that changes one piece of code when tests load the sources. The files stay
 * unchanged.
 */
import type { Plugin } from 'vitest/config';

/**
 * One change, as JSON in TCPLAB_MUTANT: it replaces the characters of `file` from `start` to `end`.
 */
export interface Mutation {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  readonly becomes: string;
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

export const applyMutation = (code: string, { start, end, becomes }: Mutation): string =>
  code.slice(0, start) + becomes + code.slice(end);
