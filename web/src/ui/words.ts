/** What codes mean, in words that say what is the matter and, where there is something to do, what. */

import type { BookProof, NoInterval, Origin, Probabilities, Regime, Trust, VenueState, Withheld } from "../stream/protocol.ts";
import type { Verdict } from "../stream/selectors.ts";
import type { BarName } from "../stream/waterfall.ts";

export const ORIGIN_LABELS: Readonly<Record<Origin, string>> = { live: "LIVE", sim: "SIMULATED", replay: "REPLAY" };
export const ORIGIN_SHORT_LABELS: Readonly<Record<Origin, string>> = { live: "LIVE", sim: "SIM", replay: "REPLAY" };

export const ORIGIN_MEANINGS: Readonly<Record<Origin, string>> = {
  live: "Market data from the venue, as it happens.",
  sim: "Every price on this page comes from the built-in simulator, not from a market.",
  replay: "Recorded market data, played back on its own clock.",
};

export const TRUST_MEANINGS: Readonly<Record<Trust, string>> = {
  LIVE: "The order book is complete and in sequence.",
  STALE: "The venue has been quiet for longer than expected.",
  RESYNC: "The order book is being rebuilt from a fresh snapshot.",
  CROSSED: "The best bid lies above the best ask: the book cannot be right.",
  GAP: "Updates of the order book were lost; it waits for a snapshot.",
};

export const VENUE_STATE_MEANINGS: Readonly<Record<VenueState, string>> = {
  connected: "All connections are open.",
  degraded: "Some connections are open, others are not.",
  away: "No connection is open.",
  maintenance: "The venue says that it is under maintenance.",
};

/** How a venue lets its book be verified, told after "proven by". */
export const PROOF_WORDS: Readonly<Record<BookProof, string>> = {
  "chain+checksum": "numbered updates and checksums",
  chain: "numbered updates",
  checksum: "checksums",
  full: "whole books",
  top: "nothing: a best bid and ask only",
  none: "nothing: lost updates would not show",
};

export const WITHHELD_WORDS: Readonly<Record<Withheld, string>> = {
  no_model: "No model yet: the first one is being trained",
  warming_up: "Warming up: the features need more history",
  untrusted: "Withheld: the order book is not sound",
  schema_mismatch: "Withheld: the model expects other features",
  no_price: "Withheld: no two-sided quote",
};

export const REGIME_WORDS: Readonly<Record<Regime, string>> = {
  calm_choppy: "calm, choppy",
  calm_trending: "calm, trending",
  rough_choppy: "rough, choppy",
  rough_trending: "rough, trending",
};

export const NO_INTERVAL_WORDS: Readonly<Record<NoInterval, string>> = {
  warming_up: "warming up: too few outcomes are known yet",
  no_volatility: "none: the volatility is not known",
};

export const STAGE_LABELS: Readonly<Record<BarName, string>> = {
  ingest: "Ingest",
  to_features: "Bus to features",
  features: "Features",
  to_predictor: "Bus to predictor",
  predictor: "Predictor",
  to_gateway: "Bus to gateway",
  gateway: "Gateway",
  page: "Gateway to this page",
};

export const STAGE_MEANINGS: Readonly<Record<BarName, string>> = {
  ingest: "From reading the venue's bytes to publishing the frame that holds them",
  to_features: "The bus, and waiting until features takes the frame up",
  features: "From taking the frame up to publishing the feature vector",
  to_predictor: "The bus, and waiting until the predictor takes the vector up",
  predictor: "From taking the vector up to publishing the prediction",
  to_gateway: "The bus, and waiting until the gateway takes the prediction up",
  gateway: "From taking the prediction up to having written it to every client that is not behind",
  page: "The gateway's work, the network and this browser, on the gateway's clock",
};

export const VERDICT_LABELS: Readonly<Record<Verdict, string>> = {
  too_early: "too early to tell",
  ahead: "ahead of the prior",
  no_edge: "no edge yet",
  behind: "behind the prior",
};

export type Side = keyof Probabilities;

export const SIDES = ["down", "flat", "up"] as const satisfies Side[];
export const SIDE_GLYPHS: Readonly<Record<Side, string>> = { down: "▼", flat: "■", up: "▲" };

/** The most probable side; a tie goes to flat, then down. */
export function likeliest(probabilities: Probabilities): Side {
  const order: readonly Side[] = ["flat", "down", "up"];
  return order.reduce((best, side) => (probabilities[side] > probabilities[best] ? side : best));
}

export function sideOfChange(value: number | null): Side {
  if (value === null || value === 0) return "flat";
  return value > 0 ? "up" : "down";
}
