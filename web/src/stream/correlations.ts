/** The pairs of a correlation message as a matrix. Pure. */

import type { CorrelationsData } from "./payloads.ts";

export interface CorrelationPair {
  readonly windowed: number | null;
  readonly ewma: number | null;
  readonly realised: number | null;
  /** Seconds by which the row's instrument leads the column's; below zero the column's leads. */
  readonly lagS: number | null;
  readonly lagCorrelation: number | null;
}

/** Return what the instruments in `row` and `column` have in common; null for an instrument and itself. */
export function pairOf({ members, pairs }: CorrelationsData, row: number, column: number): CorrelationPair | null {
  if (row === column) return null;
  const [first, second] = row < column ? [row, column] : [column, row];
  // the pairs lie row by row above the diagonal
  const at = first * members.length - (first * (first + 1)) / 2 + (second - first - 1);
  const lagS = pairs.lag_s[at] ?? null;
  return {
    windowed: pairs.windowed[at] ?? null,
    ewma: pairs.ewma[at] ?? null,
    realised: pairs.realised[at] ?? null,
    lagS: lagS === null ? null : row < column ? lagS : 0 - lagS,
    lagCorrelation: pairs.lag_correlation[at] ?? null,
  };
}
