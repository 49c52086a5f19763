/** What to ask of the feed, given what is held. Pure. */

import {
  CHANNEL_NAMES, instrumentId, pairId, SCOPES, SYSTEM_ID, type ChannelName, type Cursor, type FollowedChannel, type InstrumentId, type InstrumentInfo,
} from "./protocol.ts";
import type { FeedState } from "./state.ts";

export function instrumentIds(state: FeedState): InstrumentId[] {
  return (state.welcome?.instruments ?? []).map(({ venue, symbol }) => instrumentId(venue, symbol));
}

export function findInstrument(state: FeedState, id: InstrumentId | null): InstrumentInfo | undefined {
  return state.welcome?.instruments.find(({ venue, symbol }) => instrumentId(venue, symbol) === id);
}

/** Return under which name `channel` tells of an instrument; null where that is not known, since it is not listed. */
export function topicId(state: FeedState, channel: FollowedChannel, id: InstrumentId): InstrumentId | null {
  if (SCOPES[channel] === "system") return SYSTEM_ID;
  if (SCOPES[channel] === "instrument") return id;
  const instrument = findInstrument(state, id);
  return instrument === undefined ? null : pairId(instrument);
}

/** Return where the page stands in `channels` of `ids`, as `since` wants it; broken chains and events are left out. */
export function cursors(
  state: FeedState,
  ids: readonly InstrumentId[],
  channels: readonly FollowedChannel[],
): Readonly<Record<string, Cursor>> {
  const held: Record<string, Cursor> = {};
  for (const channel of channels) {
    if (channel === "integrity") continue; // asked of REST anew: see integrity.ts
    for (const id of ids) {
      const topic = topicId(state, channel, id);
      const slice = topic === null ? undefined : state.slices[channel].get(topic);
      if (slice?.brokenAtMs === null) held[`${channel}:${topic}`] = { epoch: slice.epoch, seq: slice.seq };
    }
  }
  return held;
}

interface Broken {
  readonly channel: ChannelName;
  /** By which names the feed is asked for it again. */
  readonly symbols: readonly InstrumentId[];
}

/** Return the channels whose chain broke at or before `beforeMs` and that no snapshot has mended since. */
export function brokenSlices(state: FeedState, beforeMs: number): Broken[] {
  return CHANNEL_NAMES.flatMap((channel) =>
    [...state.slices[channel]]
      .filter(([, slice]) => slice.brokenAtMs !== null && slice.brokenAtMs <= beforeMs)
      .map(([topic]) => ({ channel, symbols: symbolsOf(state, channel, topic) })),
  );
}

/** The feed knows a pair by any instrument of it, and the system's channels without any. */
function symbolsOf(state: FeedState, channel: ChannelName, topic: InstrumentId): InstrumentId[] {
  if (SCOPES[channel] === "system") return [];
  return instrumentIds(state).filter((id) => topicId(state, channel, id) === topic).slice(0, 1);
}
