/** What the feed's channels carry: the `data` of their snapshots and deltas. Times are UTC microseconds (`_us`). */

import type { Origin, Trust, Withheld } from "../contracts/bus";

/** `[price, quantity]`; in a delta, quantity 0 removes the level. */
export type Level = readonly [price: number, qty: number];
/** `[ts_us, mid]`, one a second. */
export type HistoryPoint = readonly [tsUs: number, mid: number];

export interface TicksData {
  readonly price: number | null;
  readonly bid: number | null;
  readonly bid_qty: number | null;
  readonly ask: number | null;
  readonly ask_qty: number | null;
  readonly mid: number | null;
  readonly change_frac: number | null;
  readonly change_window_s: number;
  readonly volume_qty: number | null;
  readonly trust: Trust;
  readonly origin: Origin;
  readonly ts_recv_us: number;
  /** Only a snapshot brings it; the reducer carries it on from there. */
  readonly history: readonly HistoryPoint[];
}

export interface BooksData {
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
  readonly trust: Trust;
  readonly reason: string;
  readonly origin: Origin;
  readonly ts_recv_us: number;
  readonly tick_size: number;
}

export interface FeaturesData {
  readonly step: number;
  readonly values: readonly (number | null)[];
  readonly warm: boolean;
  readonly schema_id: string;
  readonly mid: number | null;
  readonly trust: Trust;
  readonly origin: Origin;
  readonly ts_recv_us: number;
}

export interface Probabilities {
  readonly down: number;
  readonly flat: number;
  readonly up: number;
}

export interface Score {
  readonly count: number;
  readonly accuracy_frac: number;
  readonly prior_accuracy_frac: number;
  readonly log_loss: number;
  readonly prior_log_loss: number;
}

export interface PredictionsData {
  readonly model_id: string | null;
  readonly asof_seq: number;
  readonly step: number;
  readonly horizon_steps: number;
  readonly horizon_s: number;
  readonly mid: number | null;
  readonly expected_return_bps: number | null;
  readonly probabilities: Probabilities | null;
  readonly members: Readonly<Record<string, Probabilities>>;
  readonly flat_bps: number | null;
  readonly withheld: Withheld | null;
  readonly out_of_origin: boolean;
  readonly model_origin: Origin | null;
  readonly trust: Trust;
  readonly origin: Origin;
  readonly ts_recv_us: number;
  /** The gateway's wall clock when the prediction arrived there. */
  readonly ts_gateway_us: number;
  /** From ingest reading the bytes to there. */
  readonly latency_us: number;
  readonly score: Score | null;
}

export type StageName = "ingest" | "to_features" | "features" | "to_predictor" | "predictor" | "to_gateway" | "gateway";

export interface StageData {
  readonly stage: StageName;
  readonly p50_us: number | null;
  readonly p99_us: number | null;
  /** Durations below zero, left out: clocks disagree. */
  readonly skewed: number;
  readonly unstamped: number;
}

/** Where the time goes between ingest's socket and the clients, over the last `window_s`. */
export interface WaterfallData {
  readonly window_s: number;
  readonly count: number;
  readonly age_us: number | null;
  readonly p50_us: number | null;
  readonly p99_us: number | null;
  readonly skewed: number;
  readonly stages: readonly StageData[];
}

export interface MetricsData {
  readonly latency_p50_us: number | null;
  readonly latency_p99_us: number | null;
  readonly messages_per_s: number | null;
  readonly connections: number | null;
  readonly model_id: string | null;
  readonly score: Score | null;
  readonly conflated: number | null;
  readonly waterfall: WaterfallData;
}

export interface ChannelData {
  readonly ticks: TicksData;
  readonly books: BooksData;
  readonly features: FeaturesData;
  readonly predictions: PredictionsData;
  readonly metrics: MetricsData;
}
