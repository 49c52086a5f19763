import { bandOf, pathOf, shareOf } from "../charts/time-lines.ts";
import type { Extent, Point } from "../charts/scale.ts";
import { formatUtc } from "../lib/format.ts";

export interface ChartLine {
  readonly name: string;
  readonly tone: "up" | "down" | "muted";
  readonly parts: readonly (readonly Point[])[];
}

export interface ChartBand {
  readonly low: readonly Point[];
  readonly high: readonly Point[];
}

export interface ChartLevel {
  readonly at: number;
  readonly text: string;
}

interface Props {
  /** What the picture shows, for those who don't see it. */
  readonly label: string;
  readonly lines: readonly ChartLine[];
  readonly bands?: readonly ChartBand[];
  /** Lines across, with their names. */
  readonly levels?: readonly ChartLevel[];
  /** Instants at which something changed. */
  readonly marks?: readonly number[];
  /** Microseconds, UTC. */
  readonly x: Extent;
  readonly y: Extent;
  readonly ticks: readonly ChartLevel[];
}

/** Below this the axis tells seconds. */
const SHORT_US = 600_000_000;

/** Lines over time with axes, drawn by React: for what changes a few times a minute. Each tone has its own dash. */
export function TimeChart({ label, lines, bands = [], levels = [], marks = [], x, y, ticks }: Props) {
  const isShort = x.max - x.min < SHORT_US;
  const inside = (value: number, extent: Extent) => value >= extent.min && value <= extent.max;
  return (
    <figure className="time-chart">
      <div className="time-plot">
        <svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label={label}>
          {ticks.map(({ at }) => <path key={at} className="chart-grid" d={across(at, y)} />)}
          {bands.map(({ low, high }) => <path key={low[0]?.[0]} className="chart-band" d={bandOf(low, high, x, y)} data-testid="band" />)}
          {levels.map(({ at, text }) => <path key={text} className="chart-level" d={across(at, y)} />)}
          {marks.filter((at) => inside(at, x)).map((at) => <path key={at} className="chart-mark" d={`M${shareOf(at, x).toFixed(2)} 0V100`} data-testid="mark" />)}
          {lines.flatMap(({ name, tone, parts }) => parts.map((part) => (
            <path key={`${name} ${part[0]?.[0] ?? ""}`} className={`chart-line is-${tone}${part.length === 1 ? " is-dot" : ""}`} d={pathOf(part, x, y)} data-testid="line" data-points={part.length} />
          )))}
        </svg>
        {ticks.map(({ at, text }) => <span key={at} className="chart-tick figure" style={{ top: `${100 - shareOf(at, y)}%` }}>{text}</span>)}
        {levels.map(({ at, text }) => <span key={text} className="chart-tick is-level figure" style={{ top: `${100 - shareOf(at, y)}%` }}>{text}</span>)}
      </div>
      <div className="time-axis figure" aria-hidden="true">
        {["from", "half", "to"].map((end, place) => <span key={end}>{formatUtc(x.min + (place * (x.max - x.min)) / 2).slice(0, isShort ? 8 : 5)}</span>)}
      </div>
      <figcaption>
        {lines.map(({ name, tone }) => <span key={name} className={`chart-key is-${tone}`}>{name}</span>)}
      </figcaption>
    </figure>
  );
}

function across(at: number, y: Extent): string {
  return `M0 ${(100 - shareOf(at, y)).toFixed(2)}H100`;
}
