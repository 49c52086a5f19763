import { describe, expect, it } from "vitest";
import { spanOf, spreadBps, wholePercents } from "./numbers.ts";

describe("spreadBps", () => {
  it("is the spread over the mid", () => {
    expect(spreadBps(99.995, 100.005)).toBeCloseTo(1, 9);
  });

  it("is unknown while a side is missing", () => {
    expect(spreadBps(null, 1)).toBeNull();
    expect(spreadBps(1, null)).toBeNull();
    expect(spreadBps(0, 0)).toBeNull();
  });
});

describe("wholePercents", () => {
  it.each([
    [[1 / 3, 1 / 3, 1 / 3], [34, 33, 33]],
    [[0.206, 0.436, 0.358], [20, 44, 36]],
    [[0.005, 0.99, 0.005], [1, 99, 0]],
    [[0, 1, 0], [0, 100, 0]],
  ])("of %j are %j", (fracs, percents) => {
    expect(wholePercents(fracs)).toEqual(percents);
  });

  it("sum to 100 whatever the shares", () => {
    for (let index = 1; index < 200; index += 1) {
      const weights = [index, (index * 37) % 101, (index * 61) % 89];
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      expect(wholePercents(weights.map((weight) => weight / total)).reduce((sum, value) => sum + value, 0)).toBe(100);
    }
  });
});

describe("spanOf", () => {
  it("places a stretch on a line with zero in the middle, cut off at its ends", () => {
    expect(spanOf(-1, 2, 4)).toEqual({ left: "37.5%", width: "37.5%" });
    expect(spanOf(-8, 8, 4)).toEqual({ left: "0%", width: "100%" });
    expect(spanOf(1, 1, 4)).toEqual({ left: "62.5%", width: "0%" });
  });
});
