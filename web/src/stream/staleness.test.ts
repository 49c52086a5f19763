import { describe, expect, it } from "vitest";
import { at, book, BTC, metrics, prediction, snapshot, ticks, waterfall, welcome } from "../testing/builders.ts";
import { reduce } from "./reducer.ts";
import { freshness, viewConnection, waterfallAgeMs, waterfallIsStale } from "./staleness.ts";
import { INITIAL_STATE } from "./state.ts";

const state = reduce(INITIAL_STATE, [
  ...at(1_000, welcome(), snapshot("ticks", ticks(), { seq: 1 }), snapshot("books", book(), { seq: 1 })),
  ...at(2_500, snapshot("predictions", prediction(), { seq: 1 })),
]);

describe("freshness", () => {
  it("is judged by arrival against each channel's own TTL", () => {
    expect(freshness(state, "ticks", BTC, 4_000)).toEqual({ ageMs: 3_000, isStale: false });
    expect(freshness(state, "ticks", BTC, 4_001)).toEqual({ ageMs: 3_001, isStale: true });
    expect(freshness(state, "predictions", BTC, 4_001)).toEqual({ ageMs: 1_501, isStale: false });
  });

  it("calls a quiet book stale beside stale ticks", () => {
    expect(freshness(state, "books", BTC, 3_900)?.isStale).toBe(false);
    expect(freshness(state, "books", BTC, 4_500)?.isStale).toBe(true);
  });

  it("knows nothing of what has not arrived", () => {
    expect(freshness(state, "features", BTC, 9_000)).toBeNull();
  });

  it("is never negative and never stale without a TTL", () => {
    const endless = reduce(state, at(1_000, welcome({ channels: [{ name: "ticks", kind: "state", ttl_ms: 0, scope: "instrument" }] })));
    expect(freshness(endless, "ticks", BTC, 500)).toEqual({ ageMs: 0, isStale: false });
    expect(freshness(endless, "ticks", BTC, 1e9)?.isStale).toBe(false);
  });
});

describe("viewConnection", () => {
  const base = INITIAL_STATE.connection;

  it("counts down to the next attempt in whole seconds", () => {
    expect(viewConnection({ ...base, phase: "waiting", retryAtMs: 5_000 }, 2_900)).toEqual({ phase: "reconnecting", seconds: 3 });
    expect(viewConnection({ ...base, phase: "waiting", retryAtMs: 5_000 }, 9_000)).toEqual({ phase: "reconnecting", seconds: 0 });
  });

  it("is live only once something was heard, and silent after three seconds without", () => {
    expect(viewConnection({ ...base, phase: "open", sinceMs: 0 }, 100).phase).toBe("connecting");
    expect(viewConnection({ ...base, phase: "open", lastMessageAtMs: 1_000 }, 4_000).phase).toBe("live");
    expect(viewConnection({ ...base, phase: "open", lastMessageAtMs: 1_000 }, 5_200)).toEqual({ phase: "silent", seconds: 4 });
  });
});

describe("the waterfall's age", () => {
  const told = (age_us: number | null) =>
    reduce(state, at(3_000, snapshot("metrics", metrics({ waterfall: waterfall({ age_us }) }), { seq: 1 })));

  it("is that of the newest prediction behind it", () => {
    expect(waterfallAgeMs(told(20_000), 3_500)).toBe(520);
    expect(waterfallAgeMs(told(null), 3_500)).toBeNull();
    expect(waterfallAgeMs(state, 3_500)).toBeNull();
  });

  it("is stale without a prediction in its TTL, though the gateway goes on telling", () => {
    expect(waterfallIsStale(told(2_900_000), 3_100)).toBe(false);
    expect(waterfallIsStale(told(2_900_000), 3_101)).toBe(true);
  });

  it("is stale when the gateway tells nothing any more", () => {
    expect(waterfallIsStale(told(null), 6_000)).toBe(false);
    expect(waterfallIsStale(told(null), 6_001)).toBe(true);
  });
});
