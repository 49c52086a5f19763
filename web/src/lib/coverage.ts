/** What chance alone does to a share of intervals that held. Pure. */

const NORMAL_95 = 1.96;

export interface Band {
  readonly low: number;
  readonly high: number;
}

/**
 * Where the share lies in 95 of 100 cases if `targetFrac` of all intervals hold, by the normal approximation: `horizonSteps`
 * outcomes in a row share their prices and count together as one. Null without intervals.
 */
export function coverageBand(targetFrac: number, intervals: number, horizonSteps: number): Band | null {
  if (intervals <= 0) return null;
  const independent = intervals / Math.max(1, horizonSteps);
  const reach = NORMAL_95 * Math.sqrt((targetFrac * (1 - targetFrac)) / independent);
  return { low: Math.max(0, targetFrac - reach), high: Math.min(1, targetFrac + reach) };
}

export type CoverageVerdict = "too_few" | "low" | "as_said" | "high";

/** `enough`: independent outcomes below which nothing is said. */
export function judgeCoverage(frac: number, targetFrac: number, intervals: number, horizonSteps: number, enough: number): CoverageVerdict {
  const band = coverageBand(targetFrac, intervals, horizonSteps);
  if (band === null || intervals / Math.max(1, horizonSteps) < enough) return "too_few";
  if (frac < band.low) return "low";
  return frac > band.high ? "high" : "as_said";
}
