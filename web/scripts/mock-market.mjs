/** Invented instruments on a random walk, for the mock feed. Nothing here models a market. */

const LIST = [
  ["BTC", "USDT", 64_000, 0.01], ["ETH", "USDT", 3_100, 0.01], ["ADA", "USDT", 0.45, 0.0001], ["SOL", "USDT", 150, 0.01],
  ["AAPL", "", 228, 0.01], ["GOOGL", "", 172, 0.01], ["TSLA", "", 251, 0.01], ["MSFT", "", 425, 0.01],
];

const GROUPS = { returns: 4, volatility: 3, momentum: 4, volume: 3, microstructure: 10 };
const UNITS = { returns: "bps", volatility: "bps", momentum: "", volume: "ratio", microstructure: "frac" };

export const FEATURES = Object.entries(GROUPS).flatMap(([group, count]) =>
  Array.from({ length: count }, (_, index) => ({
    name: `${group}_${index + 1}`,
    label: `Invented ${group} ${index + 1}`,
    unit: UNITS[group],
    group,
    formula: "random walk",
  })),
);

const MEMBERS = ["random_forest", "lightgbm", "xgboost", "neural_network"];

export class MockInstrument {
  constructor([base, quote, price, tickSize], origin) {
    Object.assign(this, { venue: origin === "live" ? "binance" : "sim", symbol: base + (quote || ""), base, quote: quote || "USD" });
    Object.assign(this, { tickSize, origin, mid: price, drift: 0, seq: 1_000, trust: "LIVE", history: [] });
    const nowUs = Date.now() * 1_000;
    for (let second = 300; second > 0; second -= 1) {
      this.walk();
      this.history.push([Math.floor(nowUs / 1e6 - second) * 1e6, this.mid]);
    }
  }

  get info() {
    const { venue, symbol, base, quote, tickSize, origin } = this;
    return { venue, symbol, base, quote, tick_size: tickSize, origin, contract_size: 1, is_inverse: false, proof: "chain" };
  }

  get pair() {
    return `${this.base}-${this.quote}`;
  }

  /** What three venues quote; with a fault one is the odd one out and one is not sound. */
  consolidated(hasFaults) {
    const quote = (venue, shift, fault = {}) => ({
      venue, symbol: this.symbol, bid: this.mid + shift - this.tickSize, bid_qty: 1.5, ask: this.mid + shift + this.tickSize, ask_qty: 0.8,
      trust: "LIVE", age_ms: 35, is_used: true, is_outlier: false, deviation_bps: (1e4 * shift) / this.mid, ...fault,
    });
    const venues = [
      quote(this.venue, 0), quote("coinbase", this.tickSize),
      quote("kraken", 300 * this.tickSize, hasFaults ? { is_used: false, is_outlier: true } : {}),
      quote("bybit", -this.tickSize, hasFaults ? { trust: "GAP", is_used: false, deviation_bps: null } : {}),
    ];
    const used = venues.filter(({ is_used: isUsed }) => isUsed);
    const bid = used.reduce((best, one) => (one.bid > best.bid ? one : best));
    const ask = used.reduce((best, one) => (one.ask < best.ask ? one : best));
    return {
      base: this.base, quote: this.quote, origin: this.origin, ts_recv_us: Date.now() * 1_000, bid_venue: bid.venue, bid: bid.bid, bid_qty: bid.bid_qty,
      ask_venue: ask.venue, ask: ask.ask, ask_qty: ask.ask_qty, net_bid_venue: bid.venue, net_bid: bid.bid * 0.999, net_ask_venue: ask.venue,
      net_ask: ask.ask * 1.001, is_crossed: bid.bid >= ask.ask, net_edge_bps: -19.8, venues,
    };
  }

  walk() {
    this.seq += 1 + Math.floor(Math.random() * 4);
    this.drift = 0.97 * this.drift + 0.03 * gauss();
    this.mid *= 1 + 0.00006 * gauss() + 0.00005 * this.drift;
  }

  live() {
    this.walk();
    const second = Math.floor(Date.now() / 1e3) * 1e6;
    if (this.history.at(-1)[0] !== second) this.history = [...this.history.slice(-299), [second, this.mid]];
  }

  ticks() {
    const half = this.tickSize * (1 + Math.floor(2 * Math.random()));
    const nowUs = Date.now() * 1_000;
    const round = (value) => Math.round(value / this.tickSize) * this.tickSize;
    return {
      price: round(this.mid + (Math.random() < 0.5 ? half : -half)), bid: round(this.mid - half), bid_qty: 2 * Math.random(),
      ask: round(this.mid + half), ask_qty: 2 * Math.random(), mid: this.mid, change_frac: this.mid / this.history[0][1] - 1,
      change_window_s: 300, volume_qty: 812.4, trust: this.trust, origin: this.origin, ts_recv_us: nowUs,
    };
  }

  book(levels = 20) {
    const side = (sign) => Array.from({ length: levels }, (_, level) => [
      Number((Math.round(this.mid / this.tickSize + sign * (level + 1)) * this.tickSize).toFixed(8)),
      Number((0.05 + 3 * Math.random() * (0.3 + level / levels)).toFixed(4)),
    ]);
    return { bids: side(-1), asks: side(1), trust: this.trust, reason: this.trust === "GAP" ? "lost 4 updates" : "", origin: this.origin, ts_recv_us: Date.now() * 1_000, tick_size: this.tickSize, last_id: this.seq };
  }

  features() {
    const values = FEATURES.map((_, index) => (index === 6 ? null : gauss() * 10 ** ((index % 5) - 3)));
    return { step: this.seq, values, warm: true, schema_id: "mock-1", mid: this.mid, trust: this.trust, origin: this.origin, ts_recv_us: Date.now() * 1_000 };
  }

  calibration() {
    const shares = [0, 0, 0, 0.08, 0.34, 0.3, 0.18, 0.08, 0.02, 0];
    const reliability = (regime, count, ece_frac, coverage_frac) => ({
      regime, count, brier: 0.59, ece_frac, bin_count: shares.map((share) => Math.round(share * count)),
      bin_confidence_frac: shares.map((share, bin) => (share > 0 ? (bin + 0.5) / 10 : null)),
      bin_accuracy_frac: shares.map((share, bin) => (share > 0 ? Math.max(0, (bin + 0.5) / 10 - 0.02 * (bin - 4)) : null)), intervals: count, coverage_frac,
    });
    return {
      model_id: "ensemble-mock-20261122T190000Z", asof_seq: this.seq, step: this.seq, origin: this.origin, ts_recv_us: Date.now() * 1_000, target_frac: 0.9,
      total: reliability(null, 5_000, 0.018, 0.894),
      regimes: [
        reliability("calm_choppy", 2_300, 0.012, 0.91), reliability("calm_trending", 900, 0.021, 0.9), reliability("rough_choppy", 1_100, 0.024, 0.871),
        reliability("rough_trending", 700, 0.031, 0.868),
      ],
    };
  }

  certainty(withheld) {
    if (withheld) return { regime: null, volatility_bps: null, interval: null, no_interval: null, abstention: null, coverage: null, weights: [], regret_nats: null };
    const middle = 0.9 * this.drift;
    return {
      regime: "calm_choppy", volatility_bps: 1.1, interval: { low_bps: middle - 1.9, high_bps: middle + 1.9, coverage_frac: 0.9 }, no_interval: null,
      abstention: Math.abs(this.drift) < 0.2 ? { confidence_frac: 0.38, least_frac: 0.42 } : null, coverage: { count: 5_000, coverage_frac: 0.894, target_frac: 0.9 },
      weights: [0.05, 0.42, 0.38, 0.15], regret_nats: -0.0041,
    };
  }

  prediction({ withheld = null, outOfOrigin = false } = {}) {
    const members = Object.fromEntries(MEMBERS.map((name) => [name, spread(this.drift + 0.3 * gauss())]));
    return {
      model_id: withheld === "no_model" ? null : "ensemble-mock-20261122T190000Z", asof_seq: this.seq, step: this.seq, horizon_steps: 5, horizon_s: 0.5,
      mid: this.mid, expected_return_bps: withheld ? null : 0.9 * this.drift, probabilities: withheld ? null : spread(this.drift),
      members: withheld ? {} : members, flat_bps: 0.35, withheld, out_of_origin: outOfOrigin, model_origin: "sim", trust: this.trust,
      origin: this.origin, ts_recv_us: Date.now() * 1_000, ts_gateway_us: Date.now() * 1_000 - Math.floor(2_000 * Math.random()), latency_us: 2_000 + Math.floor(3_000 * Math.random()), score: { count: 5_000, accuracy_frac: 0.489, prior_accuracy_frac: 0.452, log_loss: 1.02, prior_log_loss: 1.06, decided: 3_400, decided_accuracy_frac: 0.521, abstained_accuracy_frac: 0.421 },
      ...this.certainty(withheld),
    };
  }
}

export function makeInstruments(origin) {
  return LIST.map((row) => new MockInstrument(row, origin));
}

/** How venues are reached; with faults one is under maintenance and one is not heard of any more. */
export function venues(origin, hasFaults) {
  const one = (venue, changes = {}) => ({
    venue, origin, producer: "ingest.feed-0", ts_us: Date.now() * 1_000, state: "connected", notice: "", connections: 2, connections_open: 2,
    instruments: 8, live: 8, clock_offset_ms: -1.3, clock_error_ms: 0.4, latency_ms: 3.6, connects: 2, disconnects: 0, rollovers: 0,
    snapshots_requested: 8, budget_used_frac: 0.04, age_ms: 300, stale: false, ...changes,
  });
  if (!hasFaults) return [one(origin === "live" ? "binance" : "sim")];
  return [
    one("binance"), one("bybit", { state: "degraded", connections_open: 1, live: 5 }),
    one("coinbase", { clock_offset_ms: null, clock_error_ms: null, latency_ms: null, age_ms: 48_000, stale: true }),
    one("kraken", { state: "maintenance", notice: "System maintenance from 22:00 to 22:30 UTC", connections_open: 0, live: 0, clock_error_ms: null }),
  ];
}

/** How all instruments move together: made up, the nearer in the list the closer; the last one has no price. */
export function correlations(instruments, origin) {
  const now = Math.floor(Date.now() / 1_000);
  const last = instruments.length - 1;
  const members = instruments.map(({ info }, at) => ({
    venue: info.venue, symbol: info.symbol, trust: "LIVE", observations: at === last ? 0 : 880, reason: at === last ? "no_price" : "",
  }));
  const pairs = { first: [], second: [], windowed: [], ewma: [], realised: [], lag_s: [], lag_correlation: [], lead_ratio: [] };
  for (let first = 0; first < members.length; first += 1) {
    for (let second = first + 1; second < members.length; second += 1) {
      const value = second === last ? null : Math.cos((second - first) * 0.6) * 0.9;
      const lag = value === null || Math.abs(value) < 0.3 ? null : (second - first) % 3 - 1;
      pairs.first.push(first);
      pairs.second.push(second);
      for (const name of ["windowed", "ewma"]) pairs[name].push(value);
      pairs.realised.push(value === null ? null : value * 0.7);
      pairs.lag_s.push(lag);
      pairs.lag_correlation.push(lag === null ? null : value);
      pairs.lead_ratio.push(value === null ? null : 1.2);
    }
  }
  return {
    seq: now, ts_recv_us: now * 1_000_000, origins: [origin], trust: "LIVE", window_s: 900, half_life_s: 120, max_lag_s: 10, left_out: 0, members, pairs,
  };
}

/** What the checks of published features have found so far: all equal, or a bit of one not. */
export function certificate(origin, isDifferent) {
  const now = Date.now() * 1_000;
  const found = { venue: origin, symbol: "BTCUSDT", asof_seq: 48_211, feature: "rsi", published: "51.20000000000001", recomputed: "51.2", ts_found_us: now };
  return {
    verdict: isDifferent ? "different" : "equal", ts_since_us: now - 3_600_000_000, ts_sent_us: now, equal: 48_120, different: isDifferent ? 1 : 0,
    unchecked: 0, from_start: 48_120, reasons: {},
    last: { venue: origin, symbol: "BTCUSDT", first_seq: 47_900, last_seq: 48_300, vectors: 80, from_start: true, ts_checked_us: now },
    difference: isDifferent ? found : null,
  };
}

/** What was wrong with feature values in the last minute: nothing, or a book that is not trusted. */
export function featureHealth(isMasked) {
  const none = { warming: 0, masked: 0, missing: 0, outside: 0, stale: 0 };
  const masked = isMasked ? 600 : 0;
  return {
    producers: 1, age_ms: 900, window_s: 60, vectors: 4_800, ...none, masked,
    faults: isMasked ? [{ feature: "depth_imbalance_l5", ...none, masked }] : [],
  };
}

/** Who serves, with a rival on trial; one feature has drifted, or none. What REST tells besides is not mocked. */
export function models(origin, hasDrifted) {
  const now = Date.now() * 1_000;
  const entry = {
    kind: "promoted", reason: "better", detail: "0.00210 nats a prediction better over 640 blocks", model_id: "ensemble-mock-20261122T190000Z",
    champion_id: "ensemble-mock-20261122T190000Z", by: "predictor.watch-0", statistics: {}, ts_us: now - 1_800_000_000,
  };
  const contest = { model_id: "ensemble-mock-rival", is_predecessor: false, blocks: 240, blocks_most: 14_400, gain_nats: 0.0011, evidence: 3.2, against_evidence: 0.3, needed: 20, disputed_frac: 0.01 };
  return {
    age_ms: 0, champion_id: entry.champion_id, trained_us: now - 2_400_000_000, trained_on: origin, horizon_steps: 5, parent_id: "", trigger: "age",
    predecessor_id: null, entry, decision: entry, contests: [contest], drift_rows: 14_400, drift_compared: 60, drift_alarms: hasDrifted ? 1 : 0,
    drift: [{ name: FEATURES[0].name, psi: hasDrifted ? 0.4 : 0.03, psi_limit: 0.25, ks: hasDrifted ? 0.3 : 0.04, ks_limit: 0.12, is_alarm: hasDrifted }],
    drift_looked_us: now - 20_000_000, loss_nats: 0.94, loss_stretches: 180, is_error_drift: false, training_asked_us: null,
    training_due_us: now + 1_200_000_000, failed_trainings: 0, faults: [],
  };
}

function spread(lean) {
  const weights = [Math.exp(-1.4 * lean), Math.exp(0.5), Math.exp(1.4 * lean)];
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const [down, flat, up] = weights.map((weight) => weight / total);
  return { down, flat, up };
}

function gauss() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}
