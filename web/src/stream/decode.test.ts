import { describe, expect, it } from "vitest";
import { ackOf, book, calibration, certificate, consolidated, correlations, delta, featureHealth, integrityChange, integrityEvent, metrics, prediction, snapshot, ticks, venue, welcome } from "../testing/builders.ts";
import { decodeFrame } from "./decode.ts";

describe("decodeFrame", () => {
  it.each([
    welcome(),
    snapshot("ticks", ticks(), { seq: 1 }),
    delta("books", book(), { seq: 2, prev: 1 }),
    snapshot("predictions", prediction({ probabilities: null, members: {}, withheld: "no_model" }), { seq: 1 }),
    snapshot("predictions", prediction({ interval: { low_bps: null, high_bps: null, coverage_frac: 0.9 } }), { seq: 1 }),
    snapshot("predictions", prediction({ interval: null, no_interval: "warming_up" }), { seq: 1 }),
    snapshot("metrics", metrics(), { seq: 1 }),
    snapshot("calibration", calibration(), { seq: 1 }),
    snapshot("consolidated", consolidated(), { seq: 1 }),
    snapshot("venues", { venues: [venue()] }, { seq: 1 }),
    snapshot("correlations", correlations(), { seq: 1 }),
    snapshot("certificate", certificate(), { seq: 1 }),
    snapshot("feature_health", featureHealth(), { seq: 1 }),
    snapshot("certificate", certificate({ last: null }), { seq: 1 }),
    integrityChange(integrityEvent(), null),
    ackOf("integrity"),
  ])("accepts a sound $type", (message) => {
    expect(decodeFrame(JSON.stringify(message))).toEqual({ kind: "message", message });
  });

  it("accepts a ticks delta without history but no such snapshot", () => {
    const withoutHistory = JSON.parse(JSON.stringify({ ...ticks(), history: undefined })) as Record<string, unknown>;
    const update = { channel: "ticks", venue: "sim", symbol: "BTCUSDT", epoch: 1, seq: 2, prev: 1, data: withoutHistory };
    expect(decodeFrame(JSON.stringify({ type: "delta", ...update })).kind).toBe("message");
    expect(decodeFrame(JSON.stringify({ type: "snapshot", ...update })).kind).toBe("malformed");
  });

  it.each([
    ["no text", new Uint8Array(2)],
    ["no JSON", "{"],
    ["null", "null"],
    ["a list", "[]"],
    ["no type", "{}"],
    ["a fractional seq", JSON.stringify({ ...snapshot("metrics", metrics(), { seq: 1 }), seq: 1.5 })],
    ["no data", JSON.stringify({ type: "delta", channel: "books", venue: "sim", symbol: "X", epoch: 1, seq: 1, prev: 0 })],
    ["levels that are no pairs", JSON.stringify(snapshot("books", book({ bids: [["1", 2]] as never }), { seq: 1 }))],
    ["a probability that is missing", JSON.stringify(snapshot("predictions", prediction({ probabilities: { up: 1 } as never }), { seq: 1 }))],
    ["a waterfall without stages", JSON.stringify(snapshot("metrics", metrics({ waterfall: {} as never }), { seq: 1 }))],
    ["a certificate without counts", JSON.stringify(snapshot("certificate", certificate({ equal: null as never }), { seq: 1 }))],
    ["feature health without its rows", JSON.stringify(snapshot("feature_health", featureHealth({ faults: null as never }), { seq: 1 }))],
    ["correlations without a column", JSON.stringify(snapshot("correlations", correlations({ pairs: {} as never }), { seq: 1 }))],
    ["venues that are no list", JSON.stringify(snapshot("venues", {} as never, { seq: 1 }))],
    ["an event as a snapshot", JSON.stringify({ ...integrityChange(integrityEvent(), null), type: "snapshot" })],
    ["an event that does not say when", JSON.stringify(integrityChange(integrityEvent({ ts_gateway_us: null as never }), null))],
    ["an ack of nothing", JSON.stringify({ type: "ack", action: "subscribe" })],
    ["a prediction that does not say when it came", JSON.stringify(snapshot("predictions", prediction({ ts_gateway_us: null as never }), { seq: 1 }))],
    ["weights that are no list", JSON.stringify(snapshot("predictions", prediction({ weights: null as never }), { seq: 1 }))],
    ["an interval without an end", JSON.stringify(snapshot("predictions", prediction({ interval: { low_bps: 1 } as never }), { seq: 1 }))],
    ["a coverage without a count", JSON.stringify(snapshot("predictions", prediction({ coverage: { coverage_frac: 1 } as never }), { seq: 1 }))],
    ["an abstention without a reason", JSON.stringify(snapshot("predictions", prediction({ abstention: {} as never }), { seq: 1 }))],
    ["a calibration without bins", JSON.stringify(snapshot("calibration", calibration({ total: { count: 1 } as never }), { seq: 1 }))],
    ["a welcome without lists", JSON.stringify({ type: "welcome", protocol: 1, run_id: "r" })],
  ])("refuses %s", (_, frame) => {
    expect(decodeFrame(frame).kind).toBe("malformed");
  });

  it("passes over types and channels that it does not know", () => {
    expect(decodeFrame('{"type":"prophecy"}')).toEqual({ kind: "unknown", what: "prophecy" });
    expect(decodeFrame('{"type":"delta","channel":"fills"}')).toEqual({ kind: "unknown", what: "fills" });
  });
});
