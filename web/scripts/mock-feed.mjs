/**
 * A stand-in for the gateway: serves dist/ and speaks docs/websocket-protocol.md with invented numbers, to look at the page
 * without the backend. Never part of the product.
 *
 *   node scripts/mock-feed.mjs [--port 8000] [--scenario normal|mixed|empty|quiet|freeze] [--origin sim|replay|live]
 *
 * mixed: one instrument each stale, withheld, gapped and out of origin. quiet: nothing after five seconds, not even a
 * heartbeat. freeze: predictions stop after five seconds. empty: no instruments.
 */

import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { parseArgs } from "node:util";
import { WebSocketServer } from "ws";
import { certificate, correlations, featureHealth, FEATURES, makeInstruments, models, venues } from "./mock-market.mjs";

const { values: options } = parseArgs({
  options: { port: { type: "string", default: "8000" }, scenario: { type: "string", default: "normal" }, origin: { type: "string", default: "sim" } },
});
const { scenario, origin } = options;
const DIST = new URL("../dist/", import.meta.url).pathname;
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json" };
const STEP_MS = 100;
const STOP_AFTER_MS = 5_000;

const startedMs = Date.now();
const instruments = scenario === "empty" ? [] : makeInstruments(origin);
const byId = new Map(instruments.map((instrument) => [`${instrument.venue}:${instrument.symbol}`, instrument]));
const isOver = () => Date.now() - startedMs > STOP_AFTER_MS;

const server = createServer((request, response) => {
  const path = normalize(new URL(request.url, "http://mock").pathname);
  const file = join(DIST, path === "/" ? "index.html" : path);
  if (!file.startsWith(DIST) || !existsSync(file)) {
    response.writeHead(404).end("not here; the mock feed serves the page only");
    return;
  }
  response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
  createReadStream(file).pipe(response);
});

/** What `channel` of `instrument` holds now. */
const READ = {
  ticks: (instrument) => instrument.ticks(),
  books: (instrument) => instrument.book(),
  features: (instrument) => instrument.features(),
  predictions: (instrument) => instrument.prediction(faultOf(instrument)),
  calibration: (instrument) => instrument.calibration(),
  metrics: () => ({
    latency_p50_us: 4_180, latency_p99_us: 17_900, waterfall: waterfall(), messages_per_s: 1_240, connections: sockets.clients.size,
    model_id: "ensemble-mock-20261122T190000Z", conflated: 0,
    score: { count: 18_340, accuracy_frac: 0.487, prior_accuracy_frac: 0.452, log_loss: 1.021, prior_log_loss: 1.058, decided: 12_100, decided_accuracy_frac: 0.512, abstained_accuracy_frac: 0.439 },
  }),
  consolidated: (instrument) => instrument.consolidated(scenario === "mixed"),
  venues: () => ({ venues: venues(origin, scenario === "mixed") }),
  correlations: () => correlations(instruments, origin),
  feature_health: () => featureHealth(scenario === "mixed"),
  certificate: () => certificate(origin, scenario === "mixed"),
  models: () => models(origin, scenario === "mixed"),
};
const SYSTEM = ["metrics", "venues", "correlations", "certificate", "feature_health", "models"];
const scopeOf = (name) => (SYSTEM.includes(name) ? "system" : name === "consolidated" ? "pair" : "instrument");

function waterfall() {
  const jitter = () => 0.9 + 0.2 * Math.random();
  const stages = [
    ["ingest", 150, 900], ["to_features", 350, 2_000], ["features", 700, 3_000], ["to_predictor", 400, 2_500], ["predictor", 2_200, 9_000],
    ["to_gateway", 400, 28_000], ["gateway", 300, 1_500],
  ].map(([stage, p50, p99]) => ({ stage, p50_us: Math.round(p50 * jitter()), p99_us: Math.round(p99 * jitter()), skewed: 0, unstamped: 0 }));
  const silentMs = scenario === "freeze" && isOver() ? Date.now() - startedMs - STOP_AFTER_MS : 30;
  return { window_s: 60, count: 4_800, age_us: silentMs * 1_000, p50_us: 4_180, p99_us: 17_900, skewed: scenario === "mixed" ? 3 : 0, stages };
}

function faultOf(instrument) {
  if (scenario !== "mixed") return {};
  if (instrument.base === "SOL") return { withheld: "warming_up" };
  if (instrument.base === "GOOGL") return { withheld: "untrusted" };
  return { outOfOrigin: instrument.base === "TSLA" };
}

function isFrozen(channel, instrument) {
  if (scenario === "freeze") return channel === "predictions" && isOver();
  if (scenario !== "mixed" || !isOver()) return false;
  return (instrument?.base === "ETH" && channel === "predictions") || (instrument?.base === "AAPL");
}

class Session {
  constructor(socket) {
    this.socket = socket;
    this.held = new Map();
    this.send({
      type: "welcome", protocol: 1, server_ts_us: Date.now() * 1_000, run_id: "mock-run", origin, principal: "mock",
      instruments: instruments.map((instrument) => instrument.info), features: FEATURES,
      channels: Object.keys(READ).map((name) => ({ name, kind: "state", ttl_ms: name === "books" ? 12_000 : 3_000, scope: scopeOf(name) })),
      limits: { max_message_bytes: 65_536, max_subscriptions: 1_000 },
    });
    socket.on("message", (text) => this.answer(JSON.parse(text)));
    const timers = [setInterval(() => this.step(), STEP_MS), setInterval(() => this.beat(), 1_000)];
    socket.on("close", () => timers.forEach(clearInterval));
  }

  send(message) {
    this.socket.send(JSON.stringify(message));
  }

  answer({ action, symbols = [], channels = [], req_id }) {
    if (action === "ping") {
      this.send({ type: "pong", req_id, server_ts_us: Date.now() * 1_000 });
      return;
    }
    this.send({ type: "ack", action, req_id, symbols: symbols.map((id) => ({ venue: id.split(":")[0], symbol: id.split(":")[1] })), channels });
    for (const channel of channels.filter((name) => name in READ)) {
      for (const id of SYSTEM.includes(channel) ? ["*:*"] : symbols) {
        if (action === "unsubscribe") this.held.delete(`${channel}|${id}`);
        else this.snapshot(channel, id);
      }
    }
  }

  snapshot(channel, id) {
    const instrument = byId.get(id);
    const data = READ[channel](instrument);
    const seq = instrument?.seq ?? Date.now();
    if (channel === "ticks") data.history = instrument.history;
    this.held.set(`${channel}|${id}`, { seq, data });
    this.update("snapshot", channel, id, { seq, data });
  }

  step() {
    if (scenario === "quiet" && isOver()) return;
    for (const [key, before] of this.held) {
      const [channel, id] = key.split("|");
      const instrument = byId.get(id);
      const seq = instrument?.seq ?? Date.now();
      if (seq === before.seq || isFrozen(channel, instrument)) continue;
      const data = READ[channel](instrument);
      this.held.set(key, { seq, data });
      const delta = channel === "books" ? { ...data, bids: changes(before.data.bids, data.bids), asks: changes(before.data.asks, data.asks) } : data;
      this.update("delta", channel, id, { seq, prev: before.seq, data: delta });
    }
  }

  update(type, channel, id, rest) {
    const pair = byId.get(id)?.pair;
    const [venue, symbol] = channel === "consolidated" ? ["*", pair] : id.split(":");
    this.send({ type, channel, venue, symbol, epoch: 1, ...rest });
  }

  beat() {
    if (scenario !== "quiet" || !isOver()) this.send({ type: "heartbeat", server_ts_us: Date.now() * 1_000, connections: sockets.clients.size });
  }
}

function changes(before, now) {
  const prices = new Set(now.map(([price]) => price));
  return [...now, ...before.filter(([price]) => !prices.has(price)).map(([price]) => [price, 0])];
}

const sockets = new WebSocketServer({ server, path: "/ws/realtime" });
sockets.on("connection", (socket) => new Session(socket));
setInterval(() => {
  for (const instrument of instruments) instrument.live();
  const gapped = byId.get("sim:ADAUSDT");
  if (gapped && scenario === "mixed") gapped.trust = "GAP";
}, STEP_MS);
server.listen(Number(options.port), "127.0.0.1", () => {
  process.stdout.write(`mock feed (${scenario}, origin ${origin}) on http://127.0.0.1:${server.address().port}\n`);
});
