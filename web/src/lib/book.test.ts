import { describe, expect, it } from "vitest";
import { cumulate, imbalanceFrac, microprice, midOf, spreadTicks } from "./book.ts";

type Level = [number, number];
const BIDS: Level[] = [[100, 2], [99.5, 4], [99, 1]];
const ASKS: Level[] = [[101, 1], [102, 2]];

describe("levels", () => {
  it("add up from the best price", () => {
    expect(cumulate(BIDS)).toEqual([2, 6, 7]);
    expect(cumulate([])).toEqual([]);
  });

  it("lean to the side that holds more", () => {
    expect(imbalanceFrac(BIDS, ASKS)).toBeCloseTo((7 - 3) / 10, 12);
    expect(imbalanceFrac(BIDS, [])).toBe(1);
    expect(imbalanceFrac([], [])).toBeNull();
  });

  it("have a mid, and a microprice nearer to the side with less", () => {
    expect(midOf(BIDS, ASKS)).toBe(100.5);
    expect(microprice(BIDS, ASKS)).toBeCloseTo((101 * 2 + 100 * 1) / 3, 12);
    expect([midOf(BIDS, []), microprice([], ASKS)]).toEqual([null, null]);
  });

  it("tell the spread in ticks of the market, exactly", () => {
    expect(spreadTicks([[100.01, 1]], [[100.04, 1]], 0.01)).toBe(3);
    expect(spreadTicks([[100, 1]], [[100.1, 1]], 0.05)).toBe(2);
    expect(spreadTicks(BIDS, [], 0.01)).toBeNull();
  });
});
