/** What a call returned against what the script says, field by field. */
import type { Call } from './ast.js';
import type { Difference } from './compare.js';
import type { Result } from './socket.js';
import { numberOf, textOf } from './values.js';

export function compareResult(call: Call, result: Result): Difference[] {
  const expected = numberOf(call.result);
  const opensDescriptor = call.name === 'socket' || call.name.startsWith('accept');
  const differences: Difference[] = [];
  const fits = expected === null || (opensDescriptor && expected >= 0 ? result.value >= 0 : result.value === expected);
  if (!fits) differences.push({ field: 'result', expected: String(expected), actual: String(result.value) });
  if (call.errno !== '' ? result.errno !== call.errno : !fits && result.errno !== '')
    differences.push({ field: 'errno', expected: call.errno || 'none', actual: result.errno || 'none' });
  if (result.data !== undefined) differences.push(...compareData(call, result.data));
  return differences;
}

/** What getsockopt, ioctl or poll wrote. */
function compareData(call: Call, data: number | string): Difference[] {
  if (call.name === 'poll') return [{ field: 'revents', expected: 'as written', actual: String(data) }];
  const arg = call.args[call.name === 'ioctl' ? 2 : 3];
  const expected = typeof data === 'string' ? textOf(arg) : numberOf(arg);
  return expected === null || expected === data
    ? []
    : [{ field: 'value', expected: String(expected), actual: String(data) }];
}
