/** Small arithmetic that the screen needs. Pure. */

const BPS_PER_UNIT = 10_000;

/** Spread in basis points of the mid; null while a side is missing or the book is empty. */
export function spreadBps(bid: number | null, ask: number | null): number | null {
  if (bid === null || ask === null || bid + ask <= 0) return null;
  return (BPS_PER_UNIT * (ask - bid)) / ((ask + bid) / 2);
}

/**
 * Round shares to whole percents that sum to what their sum rounds to (largest remainder), so that three probabilities
 * never read 33 + 33 + 33.
 */
export function wholePercents(fracs: readonly number[]): number[] {
  const exact = fracs.map((frac) => frac * 100);
  const floors = exact.map(Math.floor);
  const total = Math.round(exact.reduce((sum, value) => sum + value, 0));
  let missing = total - floors.reduce((sum, value) => sum + value, 0);
  const byRemainder = exact
    .map((value, index) => ({ index, remainder: value - Math.floor(value) }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  for (const { index } of byRemainder) {
    if (missing <= 0) break;
    floors[index] = (floors[index] ?? 0) + 1;
    missing -= 1;
  }
  return floors;
}

/** Where a stretch lies on a line from -reach to +reach: `left` and `width` in CSS, cut off at its ends. */
export function spanOf(from: number, to: number, reach: number): { readonly left: string; readonly width: string } {
  const place = (value: number) => 50 * (1 + Math.max(-1, Math.min(1, value / reach)));
  return { left: `${place(from)}%`, width: `${place(to) - place(from)}%` };
}
