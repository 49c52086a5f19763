/** How old data is and whether it is stale. The consumer judges, since a dead producer cannot say so. Pure. */

import { SYSTEM_ID, type ChannelInfo, type ChannelName, type InstrumentId } from "./protocol.ts";
import type { Connection, FeedState } from "./state.ts";

const US_PER_MS = 1_000;

/** Without a message for this long an open socket is silent: the feed beats every second. */
export const SILENT_AFTER_MS = 3_000;

export interface Freshness {
  readonly ageMs: number;
  readonly isStale: boolean;
}

/** Return the age of a channel's data, or null when none has arrived. A quiet book may be sound, but not beside stale ticks. */
export function freshness(state: FeedState, channel: ChannelName, id: InstrumentId, nowMs: number): Freshness | null {
  const own = ownFreshness(state, channel, id, nowMs);
  if (channel !== "books" || own === null) return own;
  return { ...own, isStale: own.isStale || ownFreshness(state, "ticks", id, nowMs)?.isStale === true };
}

function ownFreshness(state: FeedState, channel: ChannelName, id: InstrumentId, nowMs: number): Freshness | null {
  const slice = state.slices[channel].get(id);
  if (slice === undefined) return null;
  const ageMs = Math.max(0, nowMs - slice.arrivedAtMs);
  const ttlMs = ttlOf(state.welcome?.channels ?? [], channel);
  return { ageMs, isStale: ttlMs !== null && ageMs > ttlMs };
}

/** Age of the newest prediction behind the latency waterfall; null before the first. */
export function waterfallAgeMs(state: FeedState, nowMs: number): number | null {
  const slice = state.slices.metrics.get(SYSTEM_ID);
  const ageUs = slice?.data.waterfall.age_us ?? null;
  return slice === undefined || ageUs === null ? null : ageUs / US_PER_MS + Math.max(0, nowMs - slice.arrivedAtMs);
}

/** Timings are stale when those of whom they are told are: no prediction within its TTL, or a gateway that tells nothing. */
export function waterfallIsStale(state: FeedState, nowMs: number): boolean {
  const ageMs = waterfallAgeMs(state, nowMs);
  const ttlMs = ttlOf(state.welcome?.channels ?? [], "predictions");
  const isSilent = freshness(state, "metrics", SYSTEM_ID, nowMs)?.isStale === true;
  return isSilent || (ageMs !== null && ttlMs !== null && ageMs > ttlMs);
}

export function ttlOf(channels: readonly ChannelInfo[], name: ChannelName): number | null {
  const ttlMs = channels.find((channel) => channel.name === name)?.ttl_ms ?? 0;
  return ttlMs > 0 ? ttlMs : null;
}

export type ConnectionPhase = "connecting" | "live" | "silent" | "reconnecting";

export interface ConnectionView {
  readonly phase: ConnectionPhase;
  /** Whole seconds: until the next attempt when reconnecting, since the last message when silent. */
  readonly seconds: number;
}

export function viewConnection(connection: Connection, nowMs: number): ConnectionView {
  if (connection.phase === "waiting") {
    return { phase: "reconnecting", seconds: Math.max(0, Math.ceil(((connection.retryAtMs ?? nowMs) - nowMs) / 1_000)) };
  }
  if (connection.phase === "connecting") {
    return { phase: connection.attempt > 0 ? "reconnecting" : "connecting", seconds: 0 };
  }
  const silentMs = nowMs - (connection.lastMessageAtMs ?? connection.sinceMs);
  if (silentMs > SILENT_AFTER_MS) return { phase: "silent", seconds: Math.floor(silentMs / 1_000) };
  return { phase: connection.lastMessageAtMs === null ? "connecting" : "live", seconds: 0 };
}
