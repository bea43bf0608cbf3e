/** What one stack streams over its control socket until the client hangs up. */
import type { Capture } from '../../device/capture.js';
import type { LinkListenerSet } from '../../observe/fanout.js';
import type { Host } from '../../node/host.js';
import { CaptureFile } from '../../observe/capture-file.js';
import type { Streams } from './protocol.js';

export interface StreamingStack {
  readonly host: Host;
  /** Around the device. */
  readonly capture: Capture;
  /** Of the link around it. */
  readonly linkListeners: LinkListenerSet;
  readonly deviceName: string;
  readonly version: string;
  /** Microseconds from 1970 to the zero of the host's clock. */
  readonly epoch: number;
}

export const stackStreams = (of: StreamingStack): Streams => ({
  events: (sink) => of.host.events.subscribe(sink),
  capture: (sink) => {
    const { host, capture, linkListeners } = of;
    const file = new CaptureFile(sink, {
      name: of.deviceName,
      application: `tcplab ${of.version}`,
      epoch: of.epoch,
    });
    const stops = [host.events.subscribe(file.sink), capture.add(file), linkListeners.add(file)];
    return () => {
      for (const stop of stops.splice(0)) stop();
    };
  },
});
