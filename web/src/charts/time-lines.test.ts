import { describe, expect, it } from "vitest";
import { bandOf, changesOf, linesOf, pathOf } from "./time-lines.ts";

const sample = (at: number, value: number | null, of = "a") => ({ at, value, of });
const UNIT = { min: 0, max: 10 };

describe("lines over time", () => {
  it("are split where a point is missing, has no value, or is of another thing", () => {
    const samples = [sample(0, 1), sample(3, 2), sample(9, 3), sample(10, null), sample(11, 4), sample(12, 5, "b")];
    expect(linesOf(samples, 3)).toEqual([[[0, 1], [3, 2]], [[9, 3]], [[11, 4]], [[12, 5]]]);
    expect(linesOf([], 3)).toEqual([]);
  });

  it("say when what they are of changed", () => {
    expect(changesOf([sample(0, 1), sample(1, null, "b"), sample(2, 1, "b"), sample(3, 1)])).toEqual([1, 3]);
  });

  it("go from the bottom up, and are held at the edge", () => {
    expect(pathOf([[0, 0], [5, 10], [12, -3]], UNIT, UNIT)).toBe("M0.00 100.00L50.00 0.00L100.00 100.00");
    expect(pathOf([[5, 5]], UNIT, UNIT)).toBe("M50.00 50.00h0");
    expect(bandOf([[0, 2], [10, 2]], [[0, 4], [10, 4]], UNIT, UNIT)).toBe("M0.00 60.00L100.00 60.00L100.00 80.00L0.00 80.00Z");
  });
});
