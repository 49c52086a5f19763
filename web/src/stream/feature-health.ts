/** How well feature values are, as the channel of its name tells it. */

import type { FeatureFaults } from "../contracts/bus";

/** What was wrong with feature values in the last minute, over all instruments. */
export interface FeatureHealthData {
  /** Processes of features that are heard of; with none nothing is known. */
  readonly producers: number;
  readonly age_ms: number | null;
  readonly window_s: number;
  readonly vectors: number;
  readonly warming: number;
  readonly masked: number;
  readonly missing: number;
  readonly outside: number;
  readonly stale: number;
  readonly faults: readonly FeatureFaults[];
}
