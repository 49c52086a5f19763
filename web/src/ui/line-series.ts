import type { Series } from "../charts/series.ts";
import type { HistoryPoint, TicksData } from "../stream/protocol.ts";

const US_PER_S = 1_000_000;

/** The closed seconds, then the live edge. */
export function seriesOf(ticks: TicksData | undefined): Series {
  if (ticks === undefined) return { points: [], window: 0 };
  const live: HistoryPoint[] = ticks.mid === null ? [] : [[ticks.ts_recv_us, ticks.mid]];
  const closed = ticks.history.filter(([tsUs]) => tsUs < ticks.ts_recv_us);
  return { points: [...closed, ...live], window: WINDOW_S * US_PER_S };
}

export const WINDOW_S = 300;
