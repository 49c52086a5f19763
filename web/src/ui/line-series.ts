import type { Series } from "../charts/series.ts";
import type { HistoryPoint, TicksData } from "../stream/protocol.ts";

const US_PER_S = 1_000_000;
const WINDOW_S = 300;
/** Even a quiet instrument speaks every second. */
const MAX_GAP_S = 3;

/** The closed seconds, then the live edge. */
export function seriesOf(ticks: TicksData | undefined): Series {
  if (ticks === undefined) return { points: [], window: 0, maxGap: 0 };
  const live: HistoryPoint[] = ticks.mid === null ? [] : [[ticks.ts_recv_us, ticks.mid]];
  const closed = ticks.history.filter(([tsUs]) => tsUs < ticks.ts_recv_us);
  return { points: [...closed, ...live], window: WINDOW_S * US_PER_S, maxGap: MAX_GAP_S * US_PER_S };
}
