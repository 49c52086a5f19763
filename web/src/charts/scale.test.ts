import { describe, expect, it } from "vitest";
import { extentOf, nearestIndex, niceTicks, padExtent, scaleX, scaleY, type Box } from "./scale.ts";
import { directionOf, domainOf, segmentsOf } from "./series.ts";

const BOX: Box = { left: 10, top: 20, width: 100, height: 50 };

describe("scales", () => {
  it("map the ends of the domain to the ends of the box, larger values higher", () => {
    const domain = { min: 2, max: 4 };
    expect([2, 3, 4].map((x) => scaleX(x, domain, BOX))).toEqual([10, 60, 110]);
    expect([2, 3, 4].map((y) => scaleY(y, domain, BOX))).toEqual([70, 45, 20]);
  });

  it("put an empty domain at the edge and in the middle", () => {
    expect(scaleX(1, { min: 1, max: 1 }, BOX)).toBe(110);
    expect(scaleY(1, { min: 1, max: 1 }, BOX)).toBe(45);
  });
});

describe("niceTicks", () => {
  it("are round and inside", () => {
    expect(niceTicks({ min: 0.3, max: 10.2 }, 5)).toEqual([2, 4, 6, 8, 10]);
    expect(niceTicks({ min: 63_950, max: 64_010 }, 3)).toEqual([63_960, 63_980, 64_000]);
  });

  it("of nothing are none", () => {
    expect(niceTicks({ min: 1, max: 1 }, 4)).toEqual([]);
  });
});

describe("nearestIndex", () => {
  const points = [[0, 1], [10, 1], [20, 1]] as const;

  it.each([[-5, 0], [4, 0], [6, 1], [14.9, 1], [16, 2], [99, 2]])("of %s is %s", (x, index) => {
    expect(nearestIndex(points, x)).toBe(index);
  });

  it("of no points is -1", () => {
    expect(nearestIndex([], 3)).toBe(-1);
  });
});

describe("series", () => {
  it("end their window at the newest point and leave room above and below", () => {
    expect(domainOf({ points: [[0, 100], [50, 110]], window: 40 })).toEqual({ x: { min: 10, max: 50 }, y: { min: 98.8, max: 111.2 } });
  });

  it("that stand still get a span, and empty ones no domain", () => {
    expect(domainOf({ points: [[0, 100]], window: 40 })?.y).toEqual({ min: 99.99, max: 100.01 });
    expect(domainOf({ points: [], window: 40 })).toBeNull();
    expect(extentOf([])).toBeNull();
    expect(padExtent({ min: 1, max: 1 }, 0.1, 2)).toEqual({ min: 0, max: 2 });
  });

  it("are not joined where points are missing", () => {
    const points = [[0, 1], [3, 2], [7, 3], [8, 4]] as const;
    expect(segmentsOf({ points, window: 10, maxGap: 3 })).toEqual([[[0, 1], [3, 2]], [[7, 3], [8, 4]]]);
    expect(segmentsOf({ points: [], window: 10, maxGap: 3 })).toEqual([]);
  });

  it("point where the last lies against the first", () => {
    expect([directionOf([[0, 1], [1, 2]]), directionOf([[0, 2], [1, 1]]), directionOf([[0, 1], [1, 9], [2, 1]]), directionOf([])]).toEqual([1, -1, 0, 0]);
  });
});
