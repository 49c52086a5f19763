import { describe, expect, it } from "vitest";
import { instrument, welcome } from "../testing/builders.ts";
import type { Score } from "./protocol.ts";
import { judgeScore, sourcesOf } from "./selectors.ts";

describe("sourcesOf", () => {
  it("names each venue with its origin once", () => {
    const instruments = [instrument("BTC"), instrument("ETH"), instrument("BTC", { venue: "binance", origin: "replay" })];
    expect(sourcesOf(welcome({ instruments }))).toEqual([{ origin: "sim", venue: "sim" }, { origin: "replay", venue: "binance" }]);
  });

  it("falls back to the origin of the run, and to nothing", () => {
    expect(sourcesOf(welcome({ instruments: [] }))).toEqual([{ origin: "sim", venue: "" }]);
    expect(sourcesOf(welcome({ instruments: [], origin: null }))).toEqual([]);
    expect(sourcesOf(null)).toEqual([]);
  });
});

describe("judgeScore", () => {
  const score = (changes: Partial<Score>): Score => ({
    count: 50_000, accuracy_frac: 0.5, prior_accuracy_frac: 0.5, log_loss: 1, prior_log_loss: 1, decided: 0, decided_accuracy_frac: null,
    abstained_accuracy_frac: null, ...changes,
  });

  it("says nothing before a hundred independent outcomes, however good they look", () => {
    expect(judgeScore(score({ count: 499, accuracy_frac: 0.9, log_loss: 0.2 }), 5)).toBe("too_early");
    expect(judgeScore(score({ count: 500, accuracy_frac: 0.9, log_loss: 0.2 }), 5)).toBe("ahead");
  });

  it("takes both accuracy beyond two standard errors and log loss to be ahead", () => {
    // 10,000 independent: one standard error at 0.5 is 0.005.
    expect(judgeScore(score({ accuracy_frac: 0.511, log_loss: 0.99 }), 5)).toBe("ahead");
    expect(judgeScore(score({ accuracy_frac: 0.509, log_loss: 0.99 }), 5)).toBe("no_edge");
    expect(judgeScore(score({ accuracy_frac: 0.511, log_loss: 1.01 }), 5)).toBe("no_edge");
  });

  it("says so when the model is worse than the prior", () => {
    expect(judgeScore(score({ accuracy_frac: 0.489, log_loss: 1.2 }), 5)).toBe("behind");
    expect(judgeScore(score({ accuracy_frac: 0.5, log_loss: 1.2 }), 5)).toBe("no_edge");
  });
});
