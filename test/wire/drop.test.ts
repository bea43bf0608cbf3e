import { expect, it } from 'vitest';
import { Drop, DROP_NAMES } from '../../src/wire/drop.js';

it('every reason for a drop is the place of its name in the list', () => {
  expect(DROP_NAMES.map((name) => Drop[name as keyof typeof Drop])).toEqual(
    DROP_NAMES.map((_, i) => i),
  );
});
