/** How components read the feed. */

import { createContext, useCallback, useContext, useSyncExternalStore } from "react";
import type { FeedClient } from "./client.ts";
import type { DepthReader } from "./depth-reader.ts";
import type { ModelsReader } from "./models-reader.ts";
import type { ChannelName, InstrumentId } from "./protocol.ts";
import { freshness } from "./staleness.ts";
import type { FeedState, Slice } from "./state.ts";
import type { FeedStore } from "./store.ts";
import type { Ticker } from "./ticker.ts";
import { gatewayClock } from "./wire.ts";

export interface Feed {
  readonly store: FeedStore;
  readonly ticker: Ticker;
  readonly client: Pick<FeedClient, "select" | "retryNow">;
  readonly reader: Pick<DepthReader, "follow">;
  readonly modelsReader: Pick<ModelsReader, "follow">;
}

export const FeedContext = createContext<Feed | null>(null);

export function useFeed(): Feed {
  const feed = useContext(FeedContext);
  if (feed === null) throw new Error("useFeed needs a FeedContext above it");
  return feed;
}

/** Re-render when what `select` returns changes; it must return the same object while nothing has changed. */
export function useFeedState<T>(select: (state: FeedState) => T): T {
  const { store } = useFeed();
  const read = (): T => select(store.getState());
  return useSyncExternalStore(store.subscribe, read, read);
}

export function useSlice<C extends ChannelName>(channel: C, id: InstrumentId): Slice<C> | undefined {
  return useFeedState((state) => state.slices[channel].get(id));
}

/** Re-render when what `select` returns changes, be it that news arrived or that time passed. */
export function useTimedState<T extends string | number | boolean | null>(select: (state: FeedState, nowMs: number) => T): T {
  const { store, ticker } = useFeed();
  const subscribe = useCallback(
    (listener: () => void) => {
      const stops = [store.subscribe(listener), ticker.subscribe(listener)];
      return () => {
        for (const stop of stops) stop();
      };
    },
    [store, ticker],
  );
  const read = (): T => select(store.getState(), ticker.getNowMs());
  return useSyncExternalStore(subscribe, read, read);
}

/** Null while nothing has arrived. */
export function useIsStale(channel: ChannelName, id: InstrumentId): boolean | null {
  return useTimedState((state, nowMs) => freshness(state, channel, id, nowMs)?.isStale ?? null);
}

/** Age in whole tenths of a second; null while nothing has arrived. */
export function useAgeTenths(channel: ChannelName, id: InstrumentId): number | null {
  return useTimedState((state, nowMs) => {
    const ageMs = freshness(state, channel, id, nowMs)?.ageMs;
    return ageMs === undefined ? null : Math.floor(ageMs / 100);
  });
}

/** Whole seconds since an instant of the gateway's clock, below zero before it; null while that clock is not known, or for none. */
export function useSecondsSince(us: number | null): number | null {
  return useTimedState((state, nowMs) => {
    const clock = gatewayClock(state.wire);
    return us === null || clock === null ? null : Math.floor((nowMs * 1_000 + clock.offsetUs - us) / 1e6);
  });
}
