/** The latency waterfall as bars: each begins where the typical one before it ended. Pure. */

import type { StageName, WaterfallData } from "./protocol.ts";
import type { WireSummary } from "./wire.ts";

/** `page`: from the prediction's arrival at the gateway to this page, measured here. */
export type BarName = StageName | "page";

/** Lengths and places are shares of the track. `isClipped`: the slow ones go beyond its end. */
export interface Bar {
  readonly name: BarName;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly startFrac: number;
  readonly p50Frac: number;
  readonly p99Frac: number;
  readonly isClipped: boolean;
}

export interface Track {
  readonly bars: readonly Bar[];
  /** How long the whole track is. */
  readonly scaleUs: number;
}

type Observed = Pick<Bar, "name" | "p50Us" | "p99Us">;

/** The typical way fills at least this share of the track, however slow the slowest are. */
const TYPICAL_FRAC = 0.4;

/**
 * Return the track with a bar for each stage that has been observed, in order. The last is the way to this page where that is
 * known, which includes the gateway's own work, else that work alone.
 */
export function trackOf(waterfall: WaterfallData, wire: WireSummary | null): Track {
  const told = waterfall.stages.flatMap<Observed>(({ stage, p50_us: p50Us, p99_us: p99Us }) =>
    p50Us === null || p99Us === null || (stage === "gateway" && wire !== null) ? [] : [{ name: stage, p50Us, p99Us }],
  );
  const stages: readonly Observed[] = wire === null ? told : [...told, { name: "page", p50Us: wire.p50Us, p99Us: wire.p99Us }];
  const typicalUs = stages.reduce((sum, { p50Us }) => sum + p50Us, 0);
  let endUs = 0;
  const placed = stages.map((stage) => {
    const startUs = endUs;
    endUs += stage.p50Us;
    return { ...stage, startUs };
  });
  const farthestUs = Math.max(0, ...placed.map(({ startUs, p99Us }) => startUs + p99Us));
  const scaleUs = Math.max(1, typicalUs, Math.min(farthestUs, typicalUs / TYPICAL_FRAC));
  const bars = placed.map(({ name, p50Us, p99Us, startUs }) => ({
    name, p50Us, p99Us,
    startFrac: startUs / scaleUs,
    p50Frac: p50Us / scaleUs,
    p99Frac: Math.min(p99Us, scaleUs - startUs) / scaleUs,
    isClipped: startUs + p99Us > scaleUs,
  }));
  return { bars, scaleUs };
}

/** Return how many observations ran backwards: clocks disagree, and the figures of those stages lack them. */
export function skewedOf(waterfall: WaterfallData): number {
  return waterfall.stages.reduce((sum, { skewed }) => sum + skewed, waterfall.skewed);
}
