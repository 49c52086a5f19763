/** What the page knows, as one immutable value, and the events that change it. */

import type { DepthAnswer, DepthReading } from "./depth.ts";
import type { IntegrityAnswer, IntegrityHistory } from "./integrity.ts";
import type { ModelsAnswers, ModelsReading } from "./models.ts";
import type { ChannelData, ChannelName, FeedError, FeedMessage, FollowedChannel, InstrumentId, Welcome } from "./protocol.ts";
import { NO_WIRE, type RoundTrip, type Wire } from "./wire.ts";

export interface Connection {
  readonly phase: "connecting" | "open" | "waiting";
  readonly sinceMs: number;
  /** While waiting: when the next attempt starts. */
  readonly retryAtMs: number | null;
  readonly attempt: number;
  readonly reason: string;
  /** When the last message of any type arrived; null before the first. */
  readonly lastMessageAtMs: number | null;
}

/** One channel of one instrument. */
export interface Slice<C extends ChannelName> {
  readonly epoch: number;
  readonly seq: number;
  readonly data: ChannelData[C];
  /** When news last arrived, the time it lay in the gateway included. A snapshot that repeats what is held is no news. */
  readonly arrivedAtMs: number;
  /** Since when a missed update makes deltas unusable; null while the chain holds. */
  readonly brokenAtMs: number | null;
}

export type Slices = { readonly [C in ChannelName]: ReadonlyMap<InstrumentId, Slice<C>> };

export interface Counters {
  readonly snapshots: number;
  readonly deltas: number;
  /** Deltas whose `prev` was not held. */
  readonly refusedGaps: number;
  /** Updates of an older epoch than the one held. */
  readonly refusedEpochs: number;
  /** Updates that were already folded in. */
  readonly duplicates: number;
  readonly malformed: number;
  readonly unknown: number;
  readonly reconnects: number;
}

export interface FeedState {
  readonly connection: Connection;
  readonly welcome: Welcome | null;
  readonly slices: Slices;
  /** The changes of trust of the books that are looked at. */
  readonly integrity: ReadonlyMap<InstrumentId, IntegrityHistory>;
  /** What REST told last of the book whose depth is looked at. */
  readonly depth: DepthReading | null;
  /** What REST told of the models while they are looked at, and how it went on. */
  readonly models: ModelsReading | null;
  readonly counters: Counters;
  readonly lastError: FeedError | null;
  readonly wire: Wire;
}

export type FeedEvent =
  | { readonly kind: "connecting"; readonly atMs: number; readonly attempt: number }
  | { readonly kind: "opened"; readonly atMs: number }
  | { readonly kind: "waiting"; readonly atMs: number; readonly retryAtMs: number; readonly attempt: number; readonly reason: string }
  | { readonly kind: "message"; readonly atMs: number; readonly message: FeedMessage }
  | { readonly kind: "malformed"; readonly atMs: number }
  | { readonly kind: "unknown"; readonly atMs: number }
  | ({ readonly kind: "round-trip" } & RoundTrip)
  | { readonly kind: "dropped"; readonly atMs: number; readonly ids: readonly InstrumentId[]; readonly channels: readonly FollowedChannel[] }
  | { readonly kind: "depth"; readonly atMs: number; readonly id: InstrumentId; readonly answers: readonly DepthAnswer[] }
  | { readonly kind: "unanswered"; readonly atMs: number; readonly id: InstrumentId; readonly reason: string }
  | { readonly kind: "models"; readonly atMs: number; readonly id: InstrumentId; readonly told: ModelsAnswers }
  | { readonly kind: "models-unanswered"; readonly atMs: number; readonly id: InstrumentId; readonly reason: string }
  | { readonly kind: "integrity"; readonly askedAtMs: number; readonly id: InstrumentId; readonly answer: IntegrityAnswer };

const NO_SLICES: Slices = {
  ticks: new Map(),
  books: new Map(),
  features: new Map(),
  predictions: new Map(),
  calibration: new Map(),
  metrics: new Map(),
  consolidated: new Map(),
  venues: new Map(),
  correlations: new Map(),
  certificate: new Map(),
  feature_health: new Map(),
  models: new Map(),
};

export const INITIAL_STATE: FeedState = {
  connection: { phase: "connecting", sinceMs: 0, retryAtMs: null, attempt: 0, reason: "", lastMessageAtMs: null },
  welcome: null,
  slices: NO_SLICES,
  integrity: new Map(),
  depth: null,
  models: null,
  counters: {
    snapshots: 0, deltas: 0, refusedGaps: 0, refusedEpochs: 0, duplicates: 0, malformed: 0, unknown: 0, reconnects: 0,
  },
  lastError: null,
  wire: NO_WIRE,
};

export { NO_SLICES };
