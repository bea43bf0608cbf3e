/** Sets a test's window: in src/ only src/tcp/congestion/ may assign these two. */
import type { CongestionControl } from '../../../src/tcp/congestion/control.js';

export function setWindow(
  cc: CongestionControl,
  window: { readonly cwnd?: number; readonly ssthresh?: number },
): void {
  Object.assign(cc, window);
}
