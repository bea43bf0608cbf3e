/**
 * Control messages of recvmsg(): what Linux writes into msg_control, and what a script expects.
 */
import type { Expression } from './ast.js';
import { CONSTANTS } from './constants.js';
import { fieldOf, numberOf, Unsupported } from './values.js';

export interface ControlMessage {
  readonly level: number;
  readonly type: number;
  readonly data: number;
}

/** Only TCP_CM_INQ is supported; other kinds belong to features that do not exist here. */
const TCP_CM_INQ = { level: CONSTANTS['SOL_TCP']!, type: CONSTANTS['TCP_CM_INQ']! };

/** TCP_INQ: the number of bytes that can be read. */
export const queueMessage = (data: number): ControlMessage => ({ ...TCP_CM_INQ, data });

/** The messages that the script expects; none for `...` or an absent field. */
export function controlOf(message: Expression | undefined): readonly Expression[] {
  const control = fieldOf(message, 'msg_control');
  return control?.kind === 'list' ? control.items : [];
}

/** True if the call passes a buffer for control messages. */
export const wantsControl = (message: Expression | undefined): boolean =>
  controlOf(message).length > 0;

/** A control message as text. Throws Unsupported for a kind that is not supported. */
export function controlText(e: Expression): string {
  const [level, type] = [numberOf(fieldOf(e, 'cmsg_level')), numberOf(fieldOf(e, 'cmsg_type'))];
  if (level !== TCP_CM_INQ.level || type !== TCP_CM_INQ.type)
    throw new Unsupported(`control messages other than TCP_CM_INQ are not supported: ${WHY}`);
  return messageText({ level, type, data: numberOf(fieldOf(e, 'cmsg_data')) ?? 0 });
}

const WHY = 'they belong to SO_TIMESTAMPING, MSG_ZEROCOPY and IP_RECVERR, which are not supported';

export const messageText = ({ data }: ControlMessage): string => `TCP_CM_INQ ${data}`;
