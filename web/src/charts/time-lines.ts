/** Lines over time whose points may be missing: for pictures that are drawn a few times a minute. Pure. */

import type { Extent, Point } from "./scale.ts";

/** Null where there is no value; points of different `of` (another model, a trial begun anew) are not joined. */
export interface Sample {
  readonly at: number;
  readonly value: number | null;
  readonly of: string;
}

/** Split samples, in order of time, where one is missing: further apart than `maxGap`, without a value, or of another thing. */
export function linesOf(samples: readonly Sample[], maxGap: number): (readonly Point[])[] {
  const lines: Point[][] = [];
  let before: Sample | null = null;
  for (const sample of samples) {
    if (sample.value === null) {
      before = null;
      continue;
    }
    if (before === null || sample.at - before.at > maxGap || sample.of !== before.of) lines.push([]);
    lines.at(-1)?.push([sample.at, sample.value]);
    before = sample;
  }
  return lines;
}

/** When what the samples are of changed. */
export function changesOf(samples: readonly Sample[]): number[] {
  return samples.filter(({ of }, place) => place > 0 && samples[place - 1]?.of !== of).map(({ at }) => at);
}

/** Path data of a line in a square of 100, top to bottom; what lies outside is held at the edge. */
export function pathOf(points: readonly Point[], x: Extent, y: Extent): string {
  return points.map((point, place) => `${place === 0 ? "M" : "L"}${placeOf(point, x, y)}`).join("") + (points.length === 1 ? "h0" : "");
}

/** The outline of what lies between two lines over the same times. */
export function bandOf(low: readonly Point[], high: readonly Point[], x: Extent, y: Extent): string {
  return `${pathOf([...high, ...[...low].reverse()], x, y)}Z`;
}

function placeOf([at, value]: Point, x: Extent, y: Extent): string {
  return `${shareOf(at, x).toFixed(2)} ${(100 - shareOf(value, y)).toFixed(2)}`;
}

/** Percent of the way through an extent. */
export function shareOf(value: number, { min, max }: Extent): number {
  return max > min ? 100 * Math.min(1, Math.max(0, (value - min) / (max - min))) : 50;
}
