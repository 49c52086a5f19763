/** What the feed's channels carry: the `data` of their snapshots and deltas. Times are UTC microseconds (`_us`). */

import type { BookCounts, CorrelationMember, CorrelationPairs, NoInterval, Origin, Regime, Trust, VenueQuote, VenueState, Withheld } from "../contracts/bus";
import type { CertificateData } from "./certificate.ts";
import type { Abstention, CalibrationData, Coverage, ReturnInterval } from "./sureness.ts";
import type { FeatureHealthData } from "./feature-health.ts";
import type { ModelsData } from "./models.ts";

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
  /** The grid that the book is kept on; the market's own step is the instrument's. */
  readonly tick_size: number;
  /** The venue's update that the book is as of; null where it numbers none. */
  readonly last_id: number | null;
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
  /** How many of them the model did not abstain from, and how often it was right there, and elsewhere. */
  readonly decided: number;
  readonly decided_accuracy_frac: number | null;
  readonly abstained_accuracy_frac: number | null;
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
  readonly regime: Regime | null;
  readonly volatility_bps: number | null;
  readonly interval: ReturnInterval | null;
  readonly no_interval: NoInterval | null;
  readonly abstention: Abstention | null;
  /** Of the members, in their order; they follow what each is worth in this regime. */
  readonly weights: readonly number[];
  readonly score: Score | null;
  readonly coverage: Coverage | null;
  readonly regret_nats: number | null;
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

/** The best bid and ask of a pair of currencies over the venues that count. */
export interface ConsolidatedData {
  readonly base: string;
  readonly quote: string;
  readonly origin: Origin;
  readonly ts_recv_us: number;
  readonly bid_venue: string | null;
  readonly bid: number | null;
  readonly bid_qty: number | null;
  readonly ask_venue: string | null;
  readonly ask: number | null;
  readonly ask_qty: number | null;
  readonly net_bid_venue: string | null;
  readonly net_bid: number | null;
  readonly net_ask_venue: string | null;
  readonly net_ask: number | null;
  readonly is_crossed: boolean;
  readonly net_edge_bps: number | null;
  readonly venues: readonly VenueQuote[];
}

/** How one process reaches one venue. */
export interface VenueData {
  readonly venue: string;
  readonly origin: Origin;
  readonly producer: string;
  readonly ts_us: number;
  readonly state: VenueState;
  readonly notice: string;
  readonly connections: number;
  readonly connections_open: number;
  readonly instruments: number;
  readonly live: number;
  /** The venue's clock minus ours, right to within the error. */
  readonly clock_offset_ms: number | null;
  readonly clock_error_ms: number | null;
  readonly latency_ms: number | null;
  readonly connects: number;
  readonly disconnects: number;
  readonly rollovers: number;
  readonly snapshots_requested: number;
  readonly budget_used_frac: number;
  /** Since it reached the gateway. */
  readonly age_ms: number;
  readonly stale: boolean;
}

export interface VenuesData {
  readonly venues: readonly VenueData[];
}

/** How every two instruments move together, and which of them leads. */
export interface CorrelationsData {
  /** The last second of data time in it. */
  readonly seq: number;
  readonly ts_recv_us: number;
  readonly origins: readonly Origin[];
  readonly trust: Trust;
  readonly window_s: number;
  readonly half_life_s: number;
  readonly max_lag_s: number;
  /** Instruments beyond the limit. */
  readonly left_out: number;
  readonly members: readonly CorrelationMember[];
  readonly pairs: CorrelationPairs;
}

/** A change of a book's trust: the data of the event channel `integrity`, and a row of what REST tells. */
export interface IntegrityEvent {
  readonly epoch: number;
  readonly seq: number;
  readonly trust_from: Trust;
  readonly trust_to: Trust;
  readonly reason: string;
  readonly found_by: "feed" | "gateway";
  readonly ts_recv_us: number;
  readonly ts_gateway_us: number;
  readonly counts: BookCounts | null;
}

/** The channels that have a state, and what it is. */
export interface ChannelData {
  readonly ticks: TicksData;
  readonly books: BooksData;
  readonly features: FeaturesData;
  readonly predictions: PredictionsData;
  readonly calibration: CalibrationData;
  readonly metrics: MetricsData;
  readonly consolidated: ConsolidatedData;
  readonly venues: VenuesData;
  readonly correlations: CorrelationsData;
  readonly certificate: CertificateData;
  readonly models: ModelsData;
  readonly feature_health: FeatureHealthData;
}
