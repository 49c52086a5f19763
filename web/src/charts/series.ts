/** What the line charts draw. Pure. */

import { extentOf, padExtent, type Extent, type Point } from "./scale.ts";

export interface Series {
  /** Time and value, in order of time. */
  readonly points: readonly Point[];
  /** How much of the past is shown, in the unit of time of the points. */
  readonly window: number;
  /** Points further apart than this are not joined: what was not seen is not drawn. */
  readonly maxGap: number;
}

export interface Domain {
  readonly x: Extent;
  readonly y: Extent;
}

const PAD_FRAC = 0.12;
const FLAT_SPAN_FRAC = 0.0002;

/** Split the points where one is missing. */
export function segmentsOf({ points, maxGap }: Series): (readonly Point[])[] {
  const segments: Point[][] = [];
  let previous = -Infinity;
  for (const point of points) {
    if (point[0] - previous > maxGap) segments.push([point]);
    else segments.at(-1)?.push(point);
    previous = point[0];
  }
  return segments;
}

/** The window ends at the newest point, so that data time, not ours, moves the chart. Null without points. */
export function domainOf({ points, window }: Pick<Series, "points" | "window">): Domain | null {
  const last = points.at(-1);
  const values = extentOf(points.map(([, value]) => value));
  if (last === undefined || values === null) return null;
  return { x: { min: last[0] - window, max: last[0] }, y: padExtent(values, PAD_FRAC, Math.abs(last[1]) * FLAT_SPAN_FRAC) };
}

/** Whether the newest value lies above (1), below (-1) or at (0) the oldest. */
export function directionOf(points: readonly Point[]): -1 | 0 | 1 {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined || first[1] === last[1]) return 0;
  return last[1] > first[1] ? 1 : -1;
}
