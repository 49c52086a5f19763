/** How a delta's data changes what is held, channel by channel. Pure. */

import type { BooksData, ChannelData, ChannelName, DeltaOf, HistoryPoint, Level, TicksData } from "./protocol.ts";

const BOOK_LEVELS = 20;
const HISTORY_WINDOW_US = 300_000_000;
const US_PER_S = 1_000_000;

type DeltaData<C extends ChannelName> = DeltaOf<C>["data"];
type Folds = { readonly [C in ChannelName]: (held: ChannelData[C], delta: DeltaData<C>) => ChannelData[C] };

const FOLDS: Folds = {
  ticks: foldTicks,
  books: foldBook,
  features: (_, delta) => delta,
  predictions: (_, delta) => delta,
  calibration: (_, delta) => delta,
  metrics: (_, delta) => delta,
  consolidated: (_, delta) => delta,
  venues: (_, delta) => delta,
  correlations: (_, delta) => delta,
  certificate: (_, delta) => delta,
  feature_health: (_, delta) => delta,
  models: (_, delta) => delta,
};

export function foldDelta<C extends ChannelName>(channel: C, held: ChannelData[C], delta: DeltaData<C>): ChannelData[C] {
  return FOLDS[channel](held, delta);
}

function foldTicks(held: TicksData, delta: Omit<TicksData, "history">): TicksData {
  return { ...delta, history: extendHistory(held, delta.ts_recv_us) };
}

/**
 * Close the seconds of data time that `tsUs` ends: `[start of the second, last mid in it]`, as snapshots have them. Within
 * a second the array stays the same object: the live edge is drawn from `mid` itself.
 */
export function extendHistory(held: TicksData, tsUs: number): readonly HistoryPoint[] {
  const closedUs = startOfSecond(held.ts_recv_us);
  if (held.mid === null || startOfSecond(tsUs) <= closedUs) return held.history;
  const oldestUs = tsUs - HISTORY_WINDOW_US;
  const kept = held.history.filter(([pointUs]) => pointUs >= oldestUs && pointUs < closedUs);
  return [...kept, [closedUs, held.mid]];
}

function startOfSecond(tsUs: number): number {
  return tsUs - (tsUs % US_PER_S);
}

function foldBook(held: BooksData, delta: BooksData): BooksData {
  return {
    ...delta,
    bids: foldLevels(held.bids, delta.bids, (a, b) => b[0] - a[0]),
    asks: foldLevels(held.asks, delta.asks, (a, b) => a[0] - b[0]),
  };
}

function foldLevels(
  held: readonly Level[],
  changes: readonly Level[],
  bestFirst: (a: Level, b: Level) => number,
): readonly Level[] {
  if (changes.length === 0) return held;
  const qtyByPrice = new Map(held);
  for (const [price, qty] of changes) {
    if (qty === 0) qtyByPrice.delete(price);
    else qtyByPrice.set(price, qty);
  }
  return [...qtyByPrice].sort(bestFirst).slice(0, BOOK_LEVELS);
}
