/** A test begins with a window of its own: in src/ only src/tcp/congestion/ assigns these two. */
import type { CongestionControl } from '../../../src/tcp/congestion/control.js';

export function setWindow(
  cc: CongestionControl,
  window: { readonly cwnd?: number; readonly ssthresh?: number },
): void {
  Object.assign(cc, window);
}
