import type { ChannelName, InstrumentId } from "../stream/protocol.ts";
import type { FeedStore } from "../stream/store.ts";

/** Call back when one slice has changed; for drawings, which live outside of React. Returns how to stop. */
export function onSliceChange(store: FeedStore, channel: ChannelName, id: InstrumentId, callback: () => void): () => void {
  let held = store.getState().slices[channel].get(id);
  return store.subscribe(() => {
    const now = store.getState().slices[channel].get(id);
    if (now === held) return;
    held = now;
    callback();
  });
}
