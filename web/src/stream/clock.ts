/** Age is judged on a clock that never jumps: milliseconds since the page was opened. */
export type NowMs = () => number;

export const monotonicNow: NowMs = () => performance.now();
