/** What to ask of the feed, given what is held. Pure. */

import { CHANNEL_NAMES, instrumentId, SYSTEM_ID, type ChannelName, type Cursor, type InstrumentId } from "./protocol.ts";
import type { FeedState } from "./state.ts";

export function instrumentIds(state: FeedState): InstrumentId[] {
  return (state.welcome?.instruments ?? []).map(({ venue, symbol }) => instrumentId(venue, symbol));
}

/** Return where the page stands in `channels` of `ids`, as `since` wants it; broken chains are left out. */
export function cursors(
  state: FeedState,
  ids: readonly InstrumentId[],
  channels: readonly ChannelName[],
): Readonly<Record<string, Cursor>> {
  const held: Record<string, Cursor> = {};
  for (const channel of channels) {
    for (const id of channel === "metrics" ? [SYSTEM_ID] : ids) {
      const slice = state.slices[channel].get(id);
      if (slice?.brokenAtMs === null) held[`${channel}:${id}`] = { epoch: slice.epoch, seq: slice.seq };
    }
  }
  return held;
}

/** Return the channels whose chain broke at or before `beforeMs` and that no snapshot has mended since. */
export function brokenSlices(state: FeedState, beforeMs: number): { channel: ChannelName; id: InstrumentId }[] {
  return CHANNEL_NAMES.flatMap((channel) =>
    [...state.slices[channel]]
      .filter(([, slice]) => slice.brokenAtMs !== null && slice.brokenAtMs <= beforeMs)
      .map(([id]) => ({ channel, id })),
  );
}
