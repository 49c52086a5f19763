/** How sure predictions are, and whether they were right to be: parts of the feed's data. */

import type { Origin, Reliability } from "../contracts/bus";

/** Where the return should lie; an end of `null` has no bound. */
export interface ReturnInterval {
  readonly low_bps: number | null;
  readonly high_bps: number | null;
  readonly coverage_frac: number;
}

/** The most probable class is less probable than it would have to be for a decision. */
export interface Abstention {
  readonly confidence_frac: number;
  readonly least_frac: number;
}

/** How many of the last `count` intervals held, and how many should. */
export interface Coverage {
  readonly count: number;
  readonly coverage_frac: number;
  readonly target_frac: number;
}

/** How far an instrument's predictions meant what they said, over the last outcomes. */
export interface CalibrationData {
  readonly model_id: string;
  readonly asof_seq: number;
  readonly step: number;
  readonly origin: Origin;
  readonly ts_recv_us: number;
  /** Share of intervals that should hold. */
  readonly target_frac: number;
  readonly total: Reliability;
  readonly regimes: readonly Reliability[];
}
