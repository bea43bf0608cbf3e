/** Compares the result of a call with the script, field by field. */
import type { Call } from './ast.js';
import type { Difference } from './compare.js';
import { controlOf, controlText, messageText, type ControlMessage } from './control-messages.js';
import type { Result } from './socket.js';
import { addressText, differs, type SocketAddress, socketAddressOf } from './socket-address.js';
import { fieldOf, numberOf, textOf } from './values.js';

export function compareResult(call: Call, result: Result): Difference[] {
  const expected = numberOf(call.result);
  const opensDescriptor = /^(?:socket|open|accept4?|epoll_create1?)$/.test(call.name);
  const differences: Difference[] = [];
  const fits =
    expected === null ||
    (opensDescriptor && expected >= 0 ? result.value >= 0 : result.value === expected);
  if (!fits)
    differences.push({ field: 'result', expected: String(expected), actual: String(result.value) });
  if (call.errno !== '' ? result.errno !== call.errno : !fits && result.errno !== '')
    differences.push({
      field: 'errno',
      expected: call.errno || 'none',
      actual: result.errno || 'none',
    });
  if (result.address !== undefined) differences.push(...compareAddress(call, result.address));
  if (result.messageFlags !== undefined) {
    const flags = numberOf(fieldOf(call.args[1], 'msg_flags'));
    if (flags !== null && flags !== result.messageFlags)
      differences.push({
        field: 'msg_flags',
        expected: String(flags),
        actual: String(result.messageFlags),
      });
  }
  if (result.control !== undefined) differences.push(...compareControl(call, result.control));
  if (result.mismatch !== undefined)
    differences.push({ field: 'events', expected: 'as written', actual: result.mismatch });
  if (result.data !== undefined) differences.push(...compareData(call, result.data));
  return differences;
}

/** Compares the address that accept() wrote. */
function compareAddress(call: Call, actual: SocketAddress): Difference[] {
  const said = socketAddressOf(call.args[1]);
  const fits =
    (said.family === null || said.family === actual.family) &&
    (said.port === null || said.port === actual.port) &&
    !differs(said.address, actual.address!);
  return fits
    ? []
    : [{ field: 'address', expected: addressText(said), actual: addressText(actual) }];
}

/** Compares the control messages that recvmsg() wrote. */
function compareControl(call: Call, actual: readonly ControlMessage[]): Difference[] {
  const [expected, came] = [
    controlOf(call.args[1]).map(controlText).join(', '),
    actual.map(messageText).join(', '),
  ];
  return expected === came ? [] : [{ field: 'msg_control', expected, actual: came || 'none' }];
}

/** Compares the value that getsockopt() or ioctl() wrote. */
function compareData(call: Call, data: number | string): Difference[] {
  const arg = call.args[call.name === 'ioctl' ? 2 : 3];
  const expected = typeof data === 'string' ? textOf(arg) : numberOf(arg);
  return expected === null || expected === data
    ? []
    : [{ field: 'value', expected: String(expected), actual: String(data) }];
}
