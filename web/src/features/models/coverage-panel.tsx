import { changesOf, linesOf } from "../../charts/time-lines.ts";
import { coverageBand } from "../../lib/coverage.ts";
import { formatFixed, formatPercent } from "../../lib/format.ts";
import { useIsStale } from "../../stream/context.ts";
import type { TrackRecord } from "../../stream/models.ts";
import { StaleTag } from "../../ui/age.tsx";
import { TimeChart, type ChartBand } from "../../ui/time-chart.tsx";
import { useAnswers, type ModelsProps } from "./models-slice.tsx";
import { PastNote, spanOfTrack, TRACK_GAP_STEPS, US_PER_S } from "./track.tsx";

/** How many intervals held over the last hour, against the share that should, and how far chance may take it from there. */
export function CoveragePanel({ id, instrument }: ModelsProps) {
  const track = useAnswers(id)?.track ?? null;
  const isStale = useIsStale("predictions", id) === true;
  return (
    <section className="panel track" aria-label="Coverage of intervals" data-testid="coverage-panel" data-stale={isStale} data-points={track?.points.length ?? 0}>
      <header className="panel-head">
        <h3>Coverage of intervals</h3>
        <small>{instrument.symbol}, last hour</small>
        <StaleTag channel="predictions" id={id} />
      </header>
      {track === null ? <p className="muted">The gateway has not answered yet.</p> : <Body track={track} symbol={instrument.symbol} />}
    </section>
  );
}

interface BodyProps {
  readonly track: TrackRecord;
  readonly symbol: string;
}

function Body({ track, symbol }: BodyProps) {
  const { target_frac: targetFrac } = track;
  return (
    <>
      {targetFrac === null || track.points.every(({ coverage_frac: frac }) => frac === null) ? (
        <p className="muted">Too few outcomes: intervals begin after 50 outcomes of the model on this instrument.</p>
      ) : (
        <Chart track={track} targetFrac={targetFrac} symbol={symbol} />
      )}
      <PastNote past={track} />
    </>
  );
}

interface ChartProps extends BodyProps {
  readonly targetFrac: number;
}

function Chart({ track, targetFrac, symbol }: ChartProps) {
  const { points, step_s: stepS } = track;
  const samples = points.map(({ ts_us: at, coverage_frac: value, model_id: of }) => ({ at, value, of }));
  const gap = TRACK_GAP_STEPS * stepS * US_PER_S;
  const bands = bandsOf(track, targetFrac, gap);
  const last = points.at(-1);
  const lowest = Math.min(targetFrac - 0.05, ...points.map(({ coverage_frac: frac }) => frac ?? 1), ...bands.flatMap(({ low }) => low.map(([, value]) => value)));
  return (
    <TimeChart
      label={`Share of intervals of ${symbol} that held: ${formatPercent(last?.coverage_frac, 1)} of the last ${formatFixed(last?.intervals, 0)}, ${formatPercent(targetFrac)} should`}
      lines={[{ name: "held", tone: "up", parts: linesOf(samples, gap) }]}
      bands={bands}
      levels={[{ at: targetFrac, text: `${formatPercent(targetFrac)} should` }]}
      marks={changesOf(samples)}
      x={spanOfTrack(track)}
      y={{ min: Math.max(0, lowest - 0.01), max: 1 }}
      ticks={[0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1].filter((at) => at > lowest && Math.abs(at - targetFrac) > 0.03).map((at) => ({ at, text: formatPercent(at) }))}
    />
  );
}

/** Where 95 of 100 lie by chance, given how many intervals each point counts. */
function bandsOf({ points, horizon_steps: horizonSteps }: TrackRecord, targetFrac: number, gap: number): ChartBand[] {
  const side = (edge: "low" | "high") => linesOf(
    points.map(({ ts_us: at, intervals, model_id: of }) => ({ at, value: coverageBand(targetFrac, intervals, horizonSteps ?? 1)?.[edge] ?? null, of })),
    gap,
  );
  const [lows, highs] = [side("low"), side("high")];
  return lows.map((low, place) => ({ low, high: highs[place] ?? low }));
}
