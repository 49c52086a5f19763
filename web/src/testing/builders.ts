/** Messages for tests: sound by default, with what matters to a test given. */

import type {
  BooksData, ChannelData, ChannelInfo, ChannelName, Delta, FeedMessage, InstrumentInfo, MetricsData, PredictionsData, Snapshot, TicksData,
  WaterfallData, Welcome,
} from "../stream/protocol.ts";
import { instrumentId, SYSTEM_ID } from "../stream/protocol.ts";
import type { FeedEvent } from "../stream/state.ts";

export const BTC = instrumentId("sim", "BTCUSDT");
export const ETH = instrumentId("sim", "ETHUSDT");
/** A round instant of data time, in microseconds. */
export const T0_US = 1_800_000_000_000_000;

export function instrument(base: string, changes: Partial<InstrumentInfo> = {}): InstrumentInfo {
  return { venue: "sim", symbol: `${base}USDT`, base, quote: "USDT", tick_size: 0.01, origin: "sim", ...changes };
}

const CHANNELS: readonly ChannelInfo[] = (
  [["ticks", 3_000], ["books", 12_000], ["features", 3_000], ["predictions", 3_000], ["metrics", 3_000]] as const
).map(([name, ttl_ms]) => ({ name, kind: "state", ttl_ms, scope: name === "metrics" ? "system" : "instrument" }));

export function welcome(changes: Partial<Welcome> = {}): Welcome {
  return {
    type: "welcome", protocol: 1, server_ts_us: T0_US, run_id: "run-1", origin: "sim", instruments: [instrument("BTC"), instrument("ETH")],
    channels: CHANNELS,
    features: [
      { name: "ret_1", label: "Return", unit: "bps", group: "returns", formula: "ln(mid / mid[1])" },
      { name: "imb_1", label: "Imbalance", unit: "frac", group: "microstructure", formula: "(b - a) / (b + a)" },
    ],
    ...changes,
  };
}

export function ticks(changes: Partial<TicksData> = {}): TicksData {
  return {
    price: 100.01, bid: 100, bid_qty: 2, ask: 100.02, ask_qty: 1, mid: 100.01, change_frac: 0.0012, change_window_s: 300, volume_qty: 12,
    trust: "LIVE", origin: "sim", ts_recv_us: T0_US, history: [], ...changes,
  };
}

export function book(changes: Partial<BooksData> = {}): BooksData {
  return {
    bids: [[100, 2], [99.99, 5]], asks: [[100.02, 1], [100.03, 4]], trust: "LIVE", reason: "", origin: "sim", ts_recv_us: T0_US,
    tick_size: 0.01, ...changes,
  };
}

export function prediction(changes: Partial<PredictionsData> = {}): PredictionsData {
  return {
    model_id: "ensemble-1", asof_seq: 10, step: 5, horizon_steps: 5, horizon_s: 0.5, mid: 100.01, expected_return_bps: 0.84,
    probabilities: { down: 0.2, flat: 0.43, up: 0.37 }, members: { lightgbm: { down: 0.1, flat: 0.5, up: 0.4 } }, flat_bps: 0.3,
    withheld: null, out_of_origin: false, model_origin: "sim", trust: "LIVE", origin: "sim", ts_recv_us: T0_US, ts_gateway_us: T0_US, latency_us: 4_200,
    score: null, ...changes,
  };
}

export function metrics(changes: Partial<MetricsData> = {}): MetricsData {
  return {
    latency_p50_us: 4_200, latency_p99_us: 18_000, messages_per_s: 900, connections: 1, model_id: "ensemble-1", score: null, conflated: 0,
    waterfall: waterfall(), ...changes,
  };
}

/** Stages that add up to 4,200 us, and 300 us in the gateway. */
export function waterfall(changes: Partial<WaterfallData> = {}): WaterfallData {
  const stages = (
    [
      ["ingest", 150, 900], ["to_features", 350, 2_000], ["features", 700, 3_000], ["to_predictor", 400, 2_500],
      ["predictor", 2_200, 9_000], ["to_gateway", 400, 2_800], ["gateway", 300, 1_500],
    ] as const
  ).map(([stage, p50_us, p99_us]) => ({ stage, p50_us, p99_us, skewed: 0, unstamped: 0 }));
  return { window_s: 60, count: 4_800, age_us: 20_000, p50_us: 4_200, p99_us: 18_000, skewed: 0, stages, ...changes };
}

interface Place {
  readonly id?: typeof BTC;
  readonly epoch?: number;
  readonly seq: number;
}

function placed<C extends ChannelName>(channel: C, { id, epoch = 1, seq }: Place) {
  const [venue = "", symbol = ""] = (id ?? (channel === "metrics" ? SYSTEM_ID : BTC)).split(":");
  return { channel, venue, symbol, epoch, seq };
}

export function snapshot<C extends ChannelName>(channel: C, data: ChannelData[C], place: Place & { readonly ageUs?: number }): Snapshot {
  const age = place.ageUs === undefined ? {} : { age_us: place.ageUs };
  return { type: "snapshot", ...placed(channel, place), ...age, data } as Snapshot;
}

export function delta<C extends ChannelName>(
  channel: C,
  data: Omit<ChannelData[C], "history">,
  place: Place & { readonly prev: number | null },
): Delta {
  return { type: "delta", ...placed(channel, place), prev: place.prev, data } as Delta;
}

export function at(atMs: number, ...messages: FeedMessage[]): FeedEvent[] {
  return messages.map((message) => ({ kind: "message", atMs, message }));
}
