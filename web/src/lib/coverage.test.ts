import { describe, expect, it } from "vitest";
import { coverageBand, judgeCoverage } from "./coverage.ts";

describe("the band of a coverage", () => {
  it("is that of a fifth as many where five outcomes share their prices", () => {
    // 1.96 * sqrt(0.9 * 0.1 / 400) = 0.0294
    expect(coverageBand(0.9, 2_000, 5)?.low).toBeCloseTo(0.8706, 4);
    expect(coverageBand(0.9, 2_000, 5)?.high).toBeCloseTo(0.9294, 4);
    expect(coverageBand(0.9, 400, 1)).toEqual(coverageBand(0.9, 2_000, 5));
  });

  it("stays within 0 and 1, and there is none without intervals", () => {
    expect(coverageBand(0.9, 5, 5)).toEqual({ low: expect.closeTo(0.312, 3) as number, high: 1 });
    expect(coverageBand(0.9, 0, 5)).toBeNull();
  });

  it.each([
    [0.93, 2_000, "high"], [0.92, 2_000, "as_said"], [0.871, 2_000, "as_said"], [0.87, 2_000, "low"], [0.5, 499, "too_few"], [0.5, 0, "too_few"],
  ] as const)("of %s over %s intervals says %s", (frac, intervals, verdict) => {
    expect(judgeCoverage(frac, 0.9, intervals, 5, 100)).toBe(verdict);
  });
});
