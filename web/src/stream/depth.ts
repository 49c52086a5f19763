/** What REST tells of the book that is looked at, beyond the best levels that the feed sends. Pure. */

import { isObject, isObjectOrNull } from "./json.ts";
import { ttlOf } from "./staleness.ts";
import type { InstrumentId } from "./protocol.ts";
import type { FeedState } from "./state.ts";
import type { IntegrityAnswer } from "./integrity.ts";

export interface DepthBand {
  readonly bps: number;
  readonly bid_qty: number;
  readonly bid_quote: number;
  /** Whether a level beyond the bound is known; else there may be more within it. */
  readonly bid_is_whole: boolean;
  readonly ask_qty: number;
  readonly ask_quote: number;
  readonly ask_is_whole: boolean;
  readonly imbalance_frac: number | null;
}

/** In ticks of the market; means are weighted by how long each spread stood. */
export interface SpreadStatistics {
  readonly spread_ticks: number;
  readonly spread_bps: number;
  readonly mean_ticks: number;
  readonly mean_bps: number;
  readonly lowest_ticks: number;
  readonly highest_ticks: number;
  readonly known_s: number;
  readonly window_s: number;
}

export interface Cost {
  readonly qty: number;
  readonly quote: number;
  readonly average_price: number | null;
  readonly slippage_bps: number | null;
  readonly levels: number;
  readonly unfilled_quote: number;
}

export interface DepthAnswer {
  readonly stale: boolean;
  readonly age_ms: number | null;
  readonly tick_size: number | null;
  readonly bands: readonly DepthBand[];
  readonly spread: SpreadStatistics | null;
  readonly cost: { readonly buy: Cost; readonly sell: Cost } | null;
}

/** The latest answers about one instrument, one for each of `AMOUNTS_QUOTE`. */
export interface DepthReading {
  readonly id: InstrumentId;
  /** Null before the first. */
  readonly arrivedAtMs: number | null;
  readonly answers: readonly DepthAnswer[];
  /** Why the last question has no answer; empty when it has. */
  readonly failure: string;
}

/** What trading is told to cost for, in quote currency. */
export const AMOUNTS_QUOTE = [1_000, 10_000, 100_000, 1_000_000] as const;
export const ASK_EVERY_MS = 2_000;
/** Two questions in a row without an answer, and a bit. */
const READING_TTL_MS = 5_000;

/** An answer as the page needs it, or null where it is another thing. */
export function asDepthAnswer(value: unknown): DepthAnswer | null {
  if (!isObject(value) || !Array.isArray(value["bands"]) || typeof value["stale"] !== "boolean") return null;
  const isSound = isObjectOrNull(value["spread"]) && isObjectOrNull(value["cost"]) && value["bands"].every(isObject);
  return isSound ? (value as unknown as DepthAnswer) : null;
}

export function asIntegrityAnswer(value: unknown): IntegrityAnswer | null {
  if (!isObject(value) || !Array.isArray(value["events"]) || !value["events"].every(isObject)) return null;
  return value as unknown as IntegrityAnswer;
}

/** Return how long ago the reading was true, and whether that is too long; null before the first answer. */
export function readingFreshness({ depth, welcome }: FeedState, id: InstrumentId, nowMs: number): { readonly ageMs: number; readonly isStale: boolean } | null {
  const answer = depth?.answers[0];
  if (depth?.id !== id || depth.arrivedAtMs === null || answer === undefined) return null;
  const sinceMs = Math.max(0, nowMs - depth.arrivedAtMs);
  const ageMs = sinceMs + (answer.age_ms ?? 0);
  const ttlMs = ttlOf(welcome?.channels ?? [], "ticks");
  return { ageMs, isStale: answer.stale || sinceMs > READING_TTL_MS || (ttlMs !== null && ageMs > ttlMs + READING_TTL_MS) };
}
