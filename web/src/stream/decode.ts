/** Text frame -> message. What would break the screen is refused here; unknown types and channels are passed over. */

import { isInteger, isListOfObjects, isMaybe, isMaybeNumber, isNumber, isObject, type Json } from "./json.ts";
import { isModelsData } from "./models.ts";
import { SCOPES, type FeedMessage, type FollowedChannel } from "./protocol.ts";

export type Decoded =
  | { readonly kind: "message"; readonly message: FeedMessage }
  | { readonly kind: "unknown"; readonly what: string }
  | { readonly kind: "malformed"; readonly reason: string };

export function decodeFrame(text: unknown): Decoded {
  if (typeof text !== "string") return malformed("not a text frame");
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return malformed("not JSON");
  }
  if (!isObject(parsed) || typeof parsed["type"] !== "string") return malformed("no message type");
  return decodeMessage(parsed, parsed["type"]);
}

function decodeMessage(body: Json, type: string): Decoded {
  switch (type) {
    case "welcome":
      return accept(body, isWelcome(body), "welcome lacks its lists");
    case "instruments":
      return accept(body, isListOfObjects(body["instruments"]), "instruments without a list");
    case "snapshot":
    case "delta":
      return decodeUpdate(body);
    case "error":
      return accept(body, typeof body["code"] === "string" && typeof body["message"] === "string", "error without a code");
    case "heartbeat":
    case "pong":
      return accept(body, isInteger(body["server_ts_us"]), `${type} without a time`);
    case "ack":
      return accept(
        body,
        typeof body["action"] === "string" && isListOfObjects(body["symbols"]) && Array.isArray(body["channels"]),
        "ack without action, symbols and channels",
      );
    default:
      return { kind: "unknown", what: type };
  }
}

function decodeUpdate(body: Json): Decoded {
  const channel = body["channel"];
  if (typeof channel !== "string") return malformed("update without a channel");
  if (!isKnownChannel(channel)) return { kind: "unknown", what: channel };
  const placed =
    typeof body["venue"] === "string" &&
    typeof body["symbol"] === "string" &&
    isInteger(body["epoch"]) &&
    isInteger(body["seq"]);
  if (!placed) return malformed(`${channel} update without venue, symbol, epoch and seq`);
  const data = body["data"];
  return accept(body, isObject(data) && HAS_SHAPE[channel](data, body["type"] === "snapshot"), `${channel} data is incomplete`);
}

/** The parts of each channel's data on which the screen computes. */
const HAS_SHAPE: Readonly<Record<FollowedChannel, (data: Json, whole: boolean) => boolean>> = {
  ticks: (data, whole) => isInteger(data["ts_recv_us"]) && isMaybeNumber(data["mid"]) && (!whole || isPairs(data["history"])),
  books: (data) => isPairs(data["bids"]) && isPairs(data["asks"]),
  features: (data) => Array.isArray(data["values"]) && data["values"].every(isMaybeNumber),
  predictions: (data) =>
    ["asof_seq", "ts_gateway_us", "latency_us"].every((name) => isInteger(data[name])) &&
    isObject(data["members"]) &&
    Object.values(data["members"]).every(isProbabilities) &&
    isColumn(data["weights"]) &&
    (data["probabilities"] === null || isProbabilities(data["probabilities"])) &&
    isMaybe(data["interval"], (interval) => isMaybeNumber(interval["low_bps"]) && isMaybeNumber(interval["high_bps"]) && isNumber(interval["coverage_frac"])) &&
    isMaybe(data["coverage"], (coverage) => ["count", "coverage_frac", "target_frac"].every((name) => isNumber(coverage[name]))) &&
    isMaybe(data["abstention"], (abstention) => ["confidence_frac", "least_frac"].every((name) => isNumber(abstention[name]))),
  calibration: (data) =>
    isNumber(data["target_frac"]) && isReliability(data["total"]) && Array.isArray(data["regimes"]) && data["regimes"].every(isReliability),
  models: isModelsData,
  metrics: (data) => isObject(data["waterfall"]) && isListOfObjects(data["waterfall"]["stages"]),
  consolidated: (data) => isListOfObjects(data["venues"]),
  venues: (data) => isListOfObjects(data["venues"]),
  correlations: (data) => {
    const { members, pairs } = data;
    return isListOfObjects(members) && isObject(pairs) && PAIR_COLUMNS.every((name) => isColumn(pairs[name]));
  },
  certificate: (data) =>
    ["equal", "different", "ts_sent_us"].every((name) => isInteger(data[name])) &&
    (data["last"] === null || (isObject(data["last"]) && isInteger(data["last"]["ts_checked_us"]))),
  feature_health: (data) => ["producers", "masked", "missing", "outside", "stale"].every((name) => isInteger(data[name])) && isListOfObjects(data["faults"]),
  integrity: (data, whole) => !whole && isIntegrityEvent(data),
};

const BIN_COLUMNS = ["bin_count", "bin_confidence_frac", "bin_accuracy_frac"];

function isReliability(value: unknown): boolean {
  return (
    isObject(value) &&
    isInteger(value["count"]) &&
    ["brier", "ece_frac", "coverage_frac"].every((name) => isMaybeNumber(value[name])) &&
    BIN_COLUMNS.every((name) => isColumn(value[name]))
  );
}

const PAIR_COLUMNS = ["windowed", "ewma", "realised", "lag_s", "lag_correlation"];

function isColumn(value: unknown): boolean {
  return Array.isArray(value) && value.every(isMaybeNumber);
}

function isWelcome(body: Json): boolean {
  return (
    typeof body["run_id"] === "string" &&
    isInteger(body["protocol"]) &&
    ["instruments", "channels", "features"].every((list) => isListOfObjects(body[list]))
  );
}

function accept(body: Json, sound: boolean, reason: string): Decoded {
  return sound ? { kind: "message", message: body as unknown as FeedMessage } : malformed(reason);
}

function malformed(reason: string): Decoded {
  return { kind: "malformed", reason };
}

function isKnownChannel(name: string): name is FollowedChannel {
  return Object.hasOwn(SCOPES, name);
}

function isPairs(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every((pair) => Array.isArray(pair) && typeof pair[0] === "number" && typeof pair[1] === "number")
  );
}

function isProbabilities(value: unknown): boolean {
  return isObject(value) && ["down", "flat", "up"].every((side) => typeof value[side] === "number");
}

function isIntegrityEvent(data: Json): boolean {
  return (
    ["epoch", "seq", "ts_recv_us", "ts_gateway_us"].every((name) => isInteger(data[name])) &&
    ["trust_from", "trust_to", "reason"].every((name) => typeof data[name] === "string")
  );
}
