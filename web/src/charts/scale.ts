/** Data -> pixels. Pure. */

export type Point = readonly [x: number, y: number];

export interface Extent {
  readonly min: number;
  readonly max: number;
}

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Smallest and largest of `values`; null when there are none. */
export function extentOf(values: readonly number[]): Extent | null {
  let min = Infinity;
  let max = -Infinity;
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return min <= max ? { min, max } : null;
}

/** Widen by `frac` of the span at both ends; a span of zero gets one of `fallback`. */
export function padExtent({ min, max }: Extent, frac: number, fallback: number): Extent {
  const span = max - min;
  const pad = span > 0 ? span * frac : fallback / 2;
  return { min: min - pad, max: max + pad };
}

export function scaleX(x: number, domain: Extent, box: Box): number {
  const span = domain.max - domain.min;
  return box.left + (span > 0 ? ((x - domain.min) / span) * box.width : box.width);
}

export function scaleY(y: number, domain: Extent, box: Box): number {
  const span = domain.max - domain.min;
  return box.top + (span > 0 ? (1 - (y - domain.min) / span) * box.height : box.height / 2);
}

/** Round values inside the extent, at 1, 2 or 5 times a power of ten, about `count` of them. */
export function niceTicks({ min, max }: Extent, count: number): number[] {
  const span = max - min;
  if (!(span > 0) || count < 1) return [];
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(min / step);
  const last = Math.floor(max / step);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

/** Index of the point whose x lies nearest; -1 when there are none. Points are in order of x. */
export function nearestIndex(points: readonly Point[], x: number): number {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.[0] ?? 0) < x) low = middle + 1;
    else high = middle;
  }
  const here = points[low];
  const before = points[low - 1];
  if (here === undefined) return -1;
  return before !== undefined && x - before[0] <= here[0] - x ? low - 1 : low;
}
