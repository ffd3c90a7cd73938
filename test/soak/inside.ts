// What only a process itself can say of itself: the words between its probe and the sampler.

/** The environment variable that names the folder of the answers, PID.json. */
export const PROBE_FOLDER = "VNET_SOAK_PROBE";

/** After a full collection; memory in bytes. */
export interface Inside {
  heapUsed: number;
  /** of it, what was compiled; it grows for as long as something is run for the first time, or has become worth optimizing */
  code: number;
  /** pages that the heap has and does not need, which V8 gives back when it likes; resident as far as it wrote to them */
  spare: number;
  /** what the heap holds elsewhere, arrayBuffers included */
  external: number;
  arrayBuffers: number;
  /** objects of timers and sockets that are still held, used or not */
  timers: number;
  sockets: number;
  /** kind → how many of them keep the process alive */
  handles: Record<string, number>;
}
