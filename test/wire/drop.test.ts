import { expect, it } from 'vitest';
import { Drop, DROP_NAMES } from '../../src/wire/drop.js';

it('each drop reason is the index of its name in DROP_NAMES', () => {
  expect(DROP_NAMES.map((name) => Drop[name as keyof typeof Drop])).toEqual(
    DROP_NAMES.map((_, i) => i),
  );
});
