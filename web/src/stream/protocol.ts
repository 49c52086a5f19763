/** The WebSocket feed's messages, as docs/websocket-protocol.md has them. Times are UTC microseconds (`_us`). */

import type { BookCounts, BookProof, NoInterval, Origin, Regime, Reliability, Trust, VenueQuote, VenueState, Withheld } from "../contracts/bus";
import type { ChannelData, IntegrityEvent } from "./payloads.ts";
export type { Abstention, CalibrationData, Coverage, ReturnInterval } from "./sureness.ts";

export type { BookCounts, BookProof, NoInterval, Origin, Regime, Reliability, Trust, VenueQuote, VenueState, Withheld };
export type {
  BooksData, ChannelData, ConsolidatedData, CorrelationsData, FeaturesData, HistoryPoint, IntegrityEvent, Level, MetricsData,
  PredictionsData, Probabilities, Score, StageData, StageName, TicksData, VenueData, VenuesData, WaterfallData,
} from "./payloads.ts";

export interface InstrumentInfo {
  readonly venue: string;
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
  readonly tick_size: number;
  readonly origin: Origin;
  /** Base currency (of inverse contracts, quote currency) behind a quantity of 1. */
  readonly contract_size: number;
  readonly is_inverse: boolean;
  readonly proof: BookProof;
}

export interface ChannelInfo {
  readonly name: string;
  readonly kind: "state" | "event";
  readonly ttl_ms: number | null;
  readonly scope: string;
}

export interface FeatureInfo {
  readonly name: string;
  readonly label: string;
  readonly unit: string;
  readonly group: string;
  readonly formula: string;
}

export type ChannelName = keyof ChannelData;
/** What may be subscribed to: the channels of a state, and that of events. */
export type FollowedChannel = ChannelName | "integrity";

/** Whether a channel exists for each instrument, for each pair of currencies, or once. */
export const SCOPES: Readonly<Record<FollowedChannel, "instrument" | "pair" | "system">> = {
  ticks: "instrument", books: "instrument", features: "instrument", predictions: "instrument", calibration: "instrument", integrity: "instrument",
  consolidated: "pair", metrics: "system", venues: "system", correlations: "system", certificate: "system", feature_health: "system",
  models: "system",
};

export const CHANNEL_NAMES = [
  "ticks", "books", "features", "predictions", "calibration", "metrics", "consolidated", "venues", "correlations", "certificate", "feature_health", "models",
] as const satisfies ChannelName[];

export interface Welcome {
  readonly type: "welcome";
  readonly protocol: number;
  readonly server_ts_us: number;
  readonly run_id: string;
  /** Null until an instrument is listed. */
  readonly origin: Origin | null;
  readonly instruments: readonly InstrumentInfo[];
  readonly channels: readonly ChannelInfo[];
  readonly features: readonly FeatureInfo[];
}

/** The whole list, whenever it has changed. */
export interface InstrumentList {
  readonly type: "instruments";
  readonly instruments: readonly InstrumentInfo[];
}

interface UpdateOf<C extends FollowedChannel> {
  readonly channel: C;
  readonly venue: string;
  readonly symbol: string;
  readonly epoch: number;
  readonly seq: number;
}

export interface SnapshotOf<C extends ChannelName> extends UpdateOf<C> {
  readonly type: "snapshot";
  readonly data: ChannelData[C];
  /** How long the gateway had held this state when it sent it: its age does not start anew with a reload. */
  readonly age_us?: number;
  readonly resumed?: boolean;
}

export interface DeltaOf<C extends ChannelName> extends UpdateOf<C> {
  readonly type: "delta";
  readonly prev: number | null;
  readonly data: Omit<ChannelData[C], "history">;
}

/** An event: it has no state before it, but a `prev` by which a missed one shows. */
export interface IntegrityChange extends UpdateOf<"integrity"> {
  readonly type: "delta";
  readonly prev: number | null;
  readonly data: IntegrityEvent;
}

export type Snapshot = { [C in ChannelName]: SnapshotOf<C> }[ChannelName];
export type Delta = { [C in ChannelName]: DeltaOf<C> }[ChannelName];

export interface Ack {
  readonly type: "ack";
  readonly action: string;
  readonly req_id?: string | null;
  readonly symbols: readonly Pick<InstrumentInfo, "venue" | "symbol">[];
  readonly channels: readonly string[];
}

export interface FeedError {
  readonly type: "error";
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly req_id?: string | null;
}

export interface Heartbeat {
  readonly type: "heartbeat";
  readonly server_ts_us: number;
  readonly connections: number;
}

export interface Pong {
  readonly type: "pong";
  readonly req_id?: string | null;
  readonly server_ts_us: number;
}

export type FeedMessage = Welcome | InstrumentList | Snapshot | Delta | IntegrityChange | Ack | FeedError | Heartbeat | Pong;

/** Where a client stands in one channel of one instrument; what `since` carries. */
export interface Cursor {
  readonly epoch: number;
  readonly seq: number;
}

export interface SubscriptionRequest {
  readonly action: "subscribe" | "unsubscribe";
  readonly symbols: readonly string[];
  readonly channels: readonly FollowedChannel[];
  readonly since?: Readonly<Record<string, Cursor>>;
  readonly req_id: string;
}

export interface PingRequest {
  readonly action: "ping";
  readonly req_id: string;
}

export type FeedRequest = SubscriptionRequest | PingRequest;

/** `venue:symbol`, how the feed names an instrument without doubt. */
export type InstrumentId = `${string}:${string}`;

export function instrumentId(venue: string, symbol: string): InstrumentId {
  return `${venue}:${symbol}`;
}

/** The pseudo-instrument of channels about the whole system. */
export const SYSTEM_ID: InstrumentId = "*:*";

/** The pseudo-instrument of channels about a pair of currencies. */
export function pairId({ base, quote }: Pick<InstrumentInfo, "base" | "quote">): InstrumentId {
  return `*:${base}-${quote}`;
}
