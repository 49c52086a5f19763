import { describe, expect, it } from "vitest";
import { backoffMs } from "./backoff.ts";

describe("backoffMs", () => {
  it("doubles from half a second to fifteen, half of it by chance", () => {
    expect([1, 2, 3, 5, 6, 50].map((attempt) => backoffMs(attempt, 1006, 0))).toEqual([250, 500, 1_000, 4_000, 7_500, 7_500]);
    expect([1, 2, 6].map((attempt) => backoffMs(attempt, 1006, 1))).toEqual([500, 1_000, 15_000]);
  });

  it("spreads the first attempt after a shutdown over two seconds", () => {
    expect(backoffMs(1, 1012, 0)).toBe(0);
    expect(backoffMs(1, 1012, 0.75)).toBe(1_500);
    expect(backoffMs(2, 1012, 0)).toBe(500);
  });

  it("waits a second more for a gateway that is too busy", () => {
    expect(backoffMs(1, 1013, 0)).toBe(1_250);
  });
});
