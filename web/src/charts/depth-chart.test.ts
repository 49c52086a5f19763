import { describe, expect, it } from "vitest";
import { depthDomain, levelReached, paintDepthChart, type DepthSide } from "./depth-chart.ts";

const BIDS: DepthSide = [[100, 2], [99, 6], [97, 7]];
const ASKS: DepthSide = [[101, 1], [104, 9]];

describe("cumulative depth", () => {
  it("spans from the worst bid to the worst ask and up to the larger side", () => {
    expect(depthDomain(BIDS, ASKS)?.x).toEqual({ min: 97, max: 104 });
    expect(depthDomain(BIDS, ASKS)?.y.max).toBeCloseTo(9 * 1.06, 9);
    expect(depthDomain([], [])).toBeNull();
    expect(depthDomain(BIDS, [])?.x).toEqual({ min: 97, max: 100 });
  });

  it("is read at a price as what a trade to there meets", () => {
    expect(levelReached(BIDS, 100, -1)).toEqual([100, 2]);
    expect(levelReached(BIDS, 98.2, -1)).toEqual([99, 6]);
    expect(levelReached(BIDS, 90, -1)).toEqual([97, 7]);
    expect(levelReached(ASKS, 103.9, 1)).toEqual([101, 1]);
    expect([levelReached(BIDS, 100.5, -1), levelReached(ASKS, 100.5, 1), levelReached([], 1, 1)]).toEqual([null, null, null]);
  });

  it("is drawn as stairs: each level stands until the next one", () => {
    const calls: [string, number, number][] = [];
    const context = new Proxy({}, {
      get: (_, name) =>
        name === "measureText" ? () => ({ width: 10 }) : (x: number, y: number) => { calls.push([String(name), x, y]); },
      set: () => true,
    }) as CanvasRenderingContext2D;
    paintDepthChart({ context, width: 358, height: 148 }, { bids: BIDS, asks: [], isSound: true, pointerX: null, formatPrice: String, formatQty: String });
    // 300 px for prices 97 to 100, 100 px for quantities 0 to 7.42 that begin at 126
    const y = (qty: number): number => 26 + 100 * (1 - qty / 7.42);
    const stairs = calls.slice(calls.findLastIndex(([name]) => name === "moveTo"));
    const expected = [[300, 126], [300, y(2)], [200, y(2)], [200, y(6)], [0, y(6)], [0, y(7)], [0, y(7)], [0, 126]];
    const drawn = stairs.filter(([name]) => name === "moveTo" || name === "lineTo").map(([, x, at]) => [x, at]);
    expect(drawn).toHaveLength(expected.length);
    drawn.flat().forEach((value, index) => { expect(value).toBeCloseTo(expected.flat()[index] ?? NaN, 6); });
  });
});
