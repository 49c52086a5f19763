import { describe, expect, it } from "vitest";
import { correlations } from "../testing/builders.ts";
import { pairOf } from "./correlations.ts";

describe("pairs as a matrix", () => {
  const data = correlations({
    members: ["A", "B", "C", "D"].map((symbol) => ({ venue: "sim", symbol, trust: "LIVE", observations: 900, reason: "" })),
    pairs: {
      first: [0, 0, 0, 1, 1, 2], second: [1, 2, 3, 2, 3, 3], windowed: [0.1, 0.2, 0.3, 0.12, 0.13, 0.23], ewma: [1, 2, 3, 4, 5, 6],
      realised: [6, 5, 4, 3, 2, 1], lag_s: [1, 2, null, 0, -3, 4], lag_correlation: [0.1, 0.2, null, 0.12, 0.13, 0.23], lead_ratio: [1, 1, 1, 1, 1, 1],
    },
  });

  it("finds each pair where the message says that it is", () => {
    data.pairs.first.forEach((first, at) => {
      const second = data.pairs.second[at] ?? 0;
      expect(pairOf(data, first, second)?.windowed).toBe(data.pairs.windowed[at]);
      expect(pairOf(data, second, first)?.windowed).toBe(data.pairs.windowed[at]);
    });
  });

  it("turns the lag round with the pair, and has none of an instrument with itself", () => {
    expect([pairOf(data, 1, 3)?.lagS, pairOf(data, 3, 1)?.lagS]).toEqual([-3, 3]);
    expect([pairOf(data, 1, 2)?.lagS, pairOf(data, 2, 1)?.lagS]).toEqual([0, 0]);
    expect([pairOf(data, 0, 3)?.lagS, pairOf(data, 2, 2)]).toEqual([null, null]);
  });
});
