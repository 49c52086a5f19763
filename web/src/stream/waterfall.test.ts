import { describe, expect, it } from "vitest";
import { waterfall } from "../testing/builders.ts";
import { skewedOf, trackOf } from "./waterfall.ts";

const WIRE = { count: 9, p50Us: 2_000, p99Us: 3_000, wholeP50Us: 6_300, wholeP99Us: 21_000, uncertaintyUs: 500 };

describe("bars", () => {
  it("begin where the typical one before them ended, and fit the track", () => {
    const { bars } = trackOf(waterfall(), null);
    expect(bars.map(({ name }) => name)).toEqual(["ingest", "to_features", "features", "to_predictor", "predictor", "to_gateway", "gateway"]);
    bars.reduce((end, bar) => {
      expect(bar.startFrac).toBeCloseTo(end, 12);
      expect(bar.startFrac + bar.p99Frac).toBeLessThanOrEqual(1 + 1e-12);
      return bar.startFrac + bar.p50Frac;
    }, 0);
  });

  it("end with the way to this page, which includes the gateway's work", () => {
    const { bars } = trackOf(waterfall(), WIRE);
    expect(bars.at(-1)).toMatchObject({ name: "page", p50Us: 2_000, p99Us: 3_000 });
    expect(bars.some(({ name }) => name === "gateway")).toBe(false);
  });

  it("keep the typical way readable beside an outlier, and say what is cut", () => {
    const stages = [
      { stage: "ingest", p50_us: 100, p99_us: 200, skewed: 0, unstamped: 0 },
      { stage: "to_features", p50_us: 100, p99_us: 100_000, skewed: 0, unstamped: 0 },
    ] as const;
    const { bars: [first, second], scaleUs } = trackOf(waterfall({ stages }), null);
    expect(scaleUs).toBe(500); // the typical 200 us fill two fifths
    expect([first?.p50Frac, second?.startFrac, second?.p50Frac]).toEqual([0.2, 0.2, 0.2]);
    expect([first?.isClipped, second?.isClipped]).toEqual([false, true]);
    expect(second?.p99Frac).toBeCloseTo(0.8, 12);
  });

  it("leave out what was not observed", () => {
    const stages = waterfall().stages.map((stage) => (stage.stage === "predictor" ? { ...stage, p50_us: null, p99_us: null } : stage));
    expect(trackOf(waterfall({ stages }), null).bars.map(({ name }) => name)).not.toContain("predictor");
    expect(trackOf(waterfall({ stages: [] }), null).bars).toEqual([]);
  });
});

describe("skew", () => {
  it("is the sum over stages and the whole", () => {
    const stages = waterfall().stages.map((stage, index) => ({ ...stage, skewed: index === 1 ? 4 : 0 }));
    expect(skewedOf(waterfall({ stages, skewed: 2 }))).toBe(6);
    expect(skewedOf(waterfall())).toBe(0);
  });
});
