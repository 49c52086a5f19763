/** How long to wait before the next attempt to connect. Pure. */

const BASE_MS = 500;
const CAP_MS = 15_000;
const SHUTDOWN_CODE = 1012;
const SHUTDOWN_PAUSE_MS = 2_000;
/** Asked too much, or all connections are taken. */
const PATIENCE_CODES: readonly number[] = [1008, 1013];
const PATIENCE_MS = 1_000;

/**
 * Exponential with equal jitter: between half and all of `500 ms * 2^(attempt - 1)`, at most 15 s. A server that said it is
 * shutting down (1012) asks for a random pause of up to 2 s the first time; one that is too busy (1008, 1013) for a second.
 *
 * `attempt` counts from 1; `random` lies in [0, 1).
 */
export function backoffMs(attempt: number, closeCode: number, random: number): number {
  if (closeCode === SHUTDOWN_CODE && attempt === 1) return random * SHUTDOWN_PAUSE_MS;
  const ceilingMs = Math.min(CAP_MS, BASE_MS * 2 ** (attempt - 1));
  const pauseMs = ceilingMs / 2 + (random * ceilingMs) / 2;
  return PATIENCE_CODES.includes(closeCode) ? PATIENCE_MS + pauseMs : pauseMs;
}
