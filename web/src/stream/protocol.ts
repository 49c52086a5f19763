/** The WebSocket feed's messages, as docs/websocket-protocol.md has them. Times are UTC microseconds (`_us`). */

import type { Origin, Trust, Withheld } from "../contracts/bus";

export type { Origin, Trust, Withheld };

/** `[price, quantity]`; in a delta, quantity 0 removes the level. */
export type Level = readonly [price: number, qty: number];
/** `[ts_us, mid]`, one a second. */
export type HistoryPoint = readonly [tsUs: number, mid: number];

export interface InstrumentInfo {
  readonly venue: string;
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
  readonly tick_size: number;
  readonly origin: Origin;
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
  /** From ingest reading the bytes to the gateway. */
  readonly latency_us: number | null;
  readonly score: Score | null;
}

export interface MetricsData {
  readonly latency_p50_us: number | null;
  readonly latency_p99_us: number | null;
  readonly messages_per_s: number | null;
  readonly connections: number | null;
  readonly model_id: string | null;
  readonly score: Score | null;
  readonly conflated: number | null;
}

export interface ChannelData {
  readonly ticks: TicksData;
  readonly books: BooksData;
  readonly features: FeaturesData;
  readonly predictions: PredictionsData;
  readonly metrics: MetricsData;
}

export type ChannelName = keyof ChannelData;
export const CHANNEL_NAMES = ["ticks", "books", "features", "predictions", "metrics"] as const satisfies ChannelName[];

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

interface UpdateOf<C extends ChannelName> {
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

export type Snapshot = { [C in ChannelName]: SnapshotOf<C> }[ChannelName];
export type Delta = { [C in ChannelName]: DeltaOf<C> }[ChannelName];

export interface Ack {
  readonly type: "ack";
  readonly action: string;
  readonly req_id?: string | null;
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

export type FeedMessage = Welcome | InstrumentList | Snapshot | Delta | Ack | FeedError | Heartbeat | Pong;

/** Where a client stands in one channel of one instrument; what `since` carries. */
export interface Cursor {
  readonly epoch: number;
  readonly seq: number;
}

export interface SubscriptionRequest {
  readonly action: "subscribe" | "unsubscribe";
  readonly symbols: readonly string[];
  readonly channels: readonly ChannelName[];
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
