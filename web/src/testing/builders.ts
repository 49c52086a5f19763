/** Messages for tests: sound by default, with what matters to a test given. */

import type { CertificateData } from "../stream/certificate.ts";
import type { FeatureHealthData } from "../stream/feature-health.ts";
import type { DepthAnswer } from "../stream/depth.ts";
import type { IntegrityAnswer } from "../stream/integrity.ts";
import type {
  Ack, BooksData, CalibrationData, ChannelData, ChannelInfo, ChannelName, ConsolidatedData, CorrelationsData, Delta, FeedMessage, InstrumentInfo, IntegrityChange, IntegrityEvent,
  MetricsData, PredictionsData, Regime, Reliability, Snapshot, TicksData, VenueData, VenueQuote, WaterfallData, Welcome,
} from "../stream/protocol.ts";
import { instrumentId, pairId, SCOPES, SYSTEM_ID } from "../stream/protocol.ts";
import type { FeedEvent } from "../stream/state.ts";

export const BTC = instrumentId("sim", "BTCUSDT");
export const ETH = instrumentId("sim", "ETHUSDT");
/** A round instant of data time, in microseconds. */
export const T0_US = 1_800_000_000_000_000;

export function instrument(base: string, changes: Partial<InstrumentInfo> = {}): InstrumentInfo {
  return { venue: "sim", symbol: `${base}USDT`, base, quote: "USDT", tick_size: 0.01, origin: "sim", contract_size: 1, is_inverse: false, proof: "chain", ...changes };
}

const CHANNELS: readonly ChannelInfo[] = (
  [["ticks", 3_000], ["books", 12_000], ["features", 3_000], ["predictions", 3_000], ["calibration", 60_000], ["metrics", 3_000], ["consolidated", 3_000], ["venues", 5_000], ["correlations", 15_000], ["certificate", 120_000], ["feature_health", 3_000], ["models", 30_000]] as const
).map(([name, ttl_ms]) => ({ name, kind: "state", ttl_ms, scope: SCOPES[name] }));

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
    tick_size: 0.01, last_id: 4_711, ...changes,
  };
}

export function prediction(changes: Partial<PredictionsData> = {}): PredictionsData {
  return {
    model_id: "ensemble-1", asof_seq: 10, step: 5, horizon_steps: 5, horizon_s: 0.5, mid: 100.01, expected_return_bps: 0.84,
    probabilities: { down: 0.2, flat: 0.43, up: 0.37 }, members: { lightgbm: { down: 0.1, flat: 0.5, up: 0.4 } }, flat_bps: 0.3,
    withheld: null, out_of_origin: false, model_origin: "sim", trust: "LIVE", origin: "sim", ts_recv_us: T0_US, ts_gateway_us: T0_US, latency_us: 4_200,
    regime: "calm_choppy", volatility_bps: 1.2, interval: { low_bps: -1.36, high_bps: 3.04, coverage_frac: 0.9 }, no_interval: null, abstention: null,
    weights: [1], score: null, coverage: null, regret_nats: null, ...changes,
  };
}

/** Of 40 outcomes 24 were right at a confidence of 0.55, 10 of them in a calm, choppy market. */
export function calibration(changes: Partial<CalibrationData> = {}): CalibrationData {
  const reliability = (regime: Regime | null, count: number): Reliability => ({
    regime, count, brier: 0.5, ece_frac: 0.05, bin_count: [0, 0, 0, 0, 0, count, 0, 0, 0, 0],
    bin_confidence_frac: [null, null, null, null, null, 0.55, null, null, null, null],
    bin_accuracy_frac: [null, null, null, null, null, 0.6, null, null, null, null], intervals: count, coverage_frac: 0.925,
  });
  return {
    model_id: "ensemble-1", asof_seq: 10, step: 5, origin: "sim", ts_recv_us: T0_US, target_frac: 0.9, total: reliability(null, 40),
    regimes: [reliability("calm_choppy", 10), reliability("rough_trending", 30)], ...changes,
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

/** One venue that is well. */
export function venue(changes: Partial<VenueData> = {}): VenueData {
  return {
    venue: "sim", origin: "sim", producer: "ingest.feed-0", ts_us: T0_US, state: "connected", notice: "", connections: 2, connections_open: 2,
    instruments: 2, live: 2, clock_offset_ms: -1.25, clock_error_ms: 0.4, latency_ms: 3.5, connects: 2, disconnects: 0, rollovers: 0,
    snapshots_requested: 2, budget_used_frac: 0.05, age_ms: 200, stale: false, ...changes,
  };
}

export function venueQuote(name: string, changes: Partial<VenueQuote> = {}): VenueQuote {
  return {
    venue: name, symbol: "BTCUSDT", bid: 100, bid_qty: 2, ask: 100.02, ask_qty: 1, trust: "LIVE", age_ms: 40, is_used: true, is_outlier: false,
    deviation_bps: 0.1, ...changes,
  };
}

export function consolidated(changes: Partial<ConsolidatedData> = {}): ConsolidatedData {
  return {
    base: "BTC", quote: "USDT", origin: "live", ts_recv_us: T0_US, bid_venue: "binance", bid: 100, bid_qty: 2, ask_venue: "kraken", ask: 100.01,
    ask_qty: 3, net_bid_venue: "binance", net_bid: 99.9, net_ask_venue: "kraken", net_ask: 100.27, is_crossed: false, net_edge_bps: -37.2,
    venues: [venueQuote("binance"), venueQuote("kraken", { symbol: "BTC/USDT", bid: 99.98, ask: 100.01 })], ...changes,
  };
}

export function integrityEvent(changes: Partial<IntegrityEvent> = {}): IntegrityEvent {
  return {
    epoch: 1, seq: 20, trust_from: "LIVE", trust_to: "GAP", reason: "update 7 came after 5", found_by: "feed", ts_recv_us: T0_US,
    ts_gateway_us: T0_US + 1_000, counts: null, ...changes,
  };
}

export function integrityChange(data: IntegrityEvent, prev: number | null): IntegrityChange {
  return { type: "delta", channel: "integrity", venue: "sim", symbol: "BTCUSDT", epoch: data.epoch, seq: data.seq, prev, data };
}

export function integrityAnswer(changes: Partial<IntegrityAnswer> = {}): IntegrityAnswer {
  return { trust: "LIVE", reason: "", counts: null, since_us: T0_US, events: [], ...changes };
}

export function ackOf(channel: string): Ack {
  return { type: "ack", action: "subscribe", symbols: [{ venue: "sim", symbol: "BTCUSDT" }], channels: [channel] };
}

/** BTC and ETH move together and BTC leads; ADA has no price. */
export function correlations(changes: Partial<CorrelationsData> = {}): CorrelationsData {
  const member = (symbol: string, reason = "") => ({ venue: "sim", symbol, trust: "LIVE" as const, observations: reason === "" ? 900 : 0, reason });
  return {
    seq: T0_US / 1_000_000, ts_recv_us: T0_US, origins: ["sim"], trust: "LIVE", window_s: 900, half_life_s: 120, max_lag_s: 10, left_out: 0,
    members: [member("ADAUSDT", "no_price"), member("BTCUSDT"), member("ETHUSDT")],
    pairs: {
      first: [0, 0, 1], second: [1, 2, 2], windowed: [null, null, -0.8], ewma: [null, null, -0.75], realised: [null, null, -0.5], lag_s: [null, null, 2],
      lag_correlation: [null, null, -0.82], lead_ratio: [null, null, 1.5],
    },
    ...changes,
  };
}

/** 300 vectors were equal; the last check was 2 s before the message. */
export function certificate(changes: Partial<CertificateData> = {}): CertificateData {
  return {
    verdict: "equal", ts_since_us: T0_US - 60_000_000, ts_sent_us: T0_US, equal: 300, different: 0, unchecked: 0, from_start: 200, reasons: {},
    last: { venue: "sim", symbol: "BTCUSDT", first_seq: 101, last_seq: 900, vectors: 80, from_start: true, ts_checked_us: T0_US - 2_000_000 },
    difference: null, ...changes,
  };
}

/** One process, and 600 vectors without a fault. */
export function featureHealth(changes: Partial<FeatureHealthData> = {}): FeatureHealthData {
  return { producers: 1, age_ms: 0, window_s: 60, vectors: 600, warming: 0, masked: 0, missing: 0, outside: 0, stale: 0, faults: [], ...changes };
}

/** Two ticks of spread now, three on average. */
export function depthAnswer(changes: Partial<DepthAnswer> = {}): DepthAnswer {
  const cost = { qty: 10, quote: 1_000, average_price: 100.02, slippage_bps: 1.5, levels: 1, unfilled_quote: 0 };
  return {
    stale: false, age_ms: 20, tick_size: 0.01,
    bands: [
      { bps: 1, bid_qty: 7, bid_quote: 700, bid_is_whole: true, ask_qty: 5, ask_quote: 500, ask_is_whole: true, imbalance_frac: 1 / 6 },
      { bps: 10, bid_qty: 7, bid_quote: 700, bid_is_whole: false, ask_qty: 9, ask_quote: 900, ask_is_whole: true, imbalance_frac: -0.125 },
    ],
    spread: {
      spread_ticks: 2, spread_bps: 2, mean_ticks: 3, mean_bps: 3, lowest_ticks: 1, highest_ticks: 5, known_s: 42.5, window_s: 60,
    },
    cost: { buy: cost, sell: { ...cost, average_price: 99.99, slippage_bps: 2 } }, ...changes,
  };
}

interface Place {
  readonly id?: typeof BTC;
  readonly epoch?: number;
  readonly seq: number;
}

const DEFAULT_IDS = { instrument: BTC, pair: pairId({ base: "BTC", quote: "USDT" }), system: SYSTEM_ID };

function placed<C extends ChannelName>(channel: C, { id, epoch = 1, seq }: Place) {
  const [venue = "", symbol = ""] = (id ?? DEFAULT_IDS[SCOPES[channel]]).split(":");
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
