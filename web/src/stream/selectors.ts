/** Named questions to what the page knows. Pure. */

import type { Origin, Score, Welcome } from "./protocol.ts";

export interface Source {
  readonly origin: Origin;
  readonly venue: string;
}

/** Where the data of this run comes from: each venue with its origin, once. Empty before the first welcome. */
export function sourcesOf(welcome: Welcome | null): readonly Source[] {
  const sources = new Map<string, Source>();
  for (const { origin, venue } of welcome?.instruments ?? []) sources.set(`${origin}:${venue}`, { origin, venue });
  const origin = welcome?.origin ?? null;
  if (sources.size === 0 && origin !== null) return [{ origin, venue: "" }];
  return [...sources.values()];
}

export type Verdict = "too_early" | "ahead" | "no_edge" | "behind";

/** Outcomes, overlapping horizons counted once, from which on something is said of them. */
export const ENOUGH_INDEPENDENT = 100;
const STANDARD_ERRORS = 2;

/**
 * Judge a live score without flattery. Horizons overlap, so `count` outcomes hold about `count / horizonSteps` independent
 * ones. Ahead (behind) takes both: accuracy above (below) that of the prior by two standard errors, and a better (worse)
 * log loss.
 */
export function judgeScore(score: Score, horizonSteps: number): Verdict {
  const independent = score.count / Math.max(1, horizonSteps);
  if (independent < ENOUGH_INDEPENDENT) return "too_early";
  const error = Math.sqrt((score.accuracy_frac * (1 - score.accuracy_frac)) / independent);
  const edge = score.accuracy_frac - score.prior_accuracy_frac;
  if (edge > STANDARD_ERRORS * error && score.log_loss < score.prior_log_loss) return "ahead";
  if (edge < -STANDARD_ERRORS * error && score.log_loss > score.prior_log_loss) return "behind";
  return "no_edge";
}
