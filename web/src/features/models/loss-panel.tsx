import { changesOf, linesOf } from "../../charts/time-lines.ts";
import { extentOf, niceTicks, padExtent } from "../../charts/scale.ts";
import { formatFixed } from "../../lib/format.ts";
import { useIsStale } from "../../stream/context.ts";
import type { TrackRecord } from "../../stream/models.ts";
import { ENOUGH_INDEPENDENT } from "../../stream/selectors.ts";
import { StaleTag } from "../../ui/age.tsx";
import { TimeChart } from "../../ui/time-chart.tsx";
import { useAnswers, type ModelsProps } from "./models-slice.tsx";
import { PastNote, spanOfTrack, TRACK_GAP_STEPS, US_PER_S } from "./track.tsx";

/** The log loss of the predictions over the last hour, against what always answering with the class prior would have lost. */
export function LossPanel({ id, instrument }: ModelsProps) {
  const track = useAnswers(id)?.track ?? null;
  const isStale = useIsStale("predictions", id) === true;
  return (
    <section className="panel track" aria-label="Log loss" data-testid="loss-panel" data-stale={isStale}>
      <header className="panel-head">
        <h3>Log loss against the class prior</h3>
        <small>{instrument.symbol}, last hour; less is better</small>
        <StaleTag channel="predictions" id={id} />
      </header>
      {track === null && <p className="muted">The gateway has not answered yet.</p>}
      {track !== null && <Body track={track} symbol={instrument.symbol} />}
    </section>
  );
}

function Body({ track, symbol }: ChartProps) {
  const enough = ENOUGH_INDEPENDENT * (track.horizon_steps ?? 1);
  const points = track.points.filter(({ count }) => count >= enough);
  const last = track.points.at(-1);
  return (
    <>
      {last === undefined && <p className="muted">No outcomes are known yet: the first come a horizon after the first predictions.</p>}
      {last !== undefined && points.length === 0 && (
        <p className="muted">Too few outcomes: {formatFixed(last.count, 0)} of the {formatFixed(enough, 0)} from which on a mean says something.</p>
      )}
      {points.length > 0 && <Chart track={{ ...track, points }} symbol={symbol} />}
      <PastNote past={track} />
    </>
  );
}

interface ChartProps {
  readonly track: TrackRecord;
  readonly symbol: string;
}

function Chart({ track, symbol }: ChartProps) {
  const { points } = track;
  const gap = TRACK_GAP_STEPS * track.step_s * US_PER_S;
  const series = (name: "log_loss" | "prior_log_loss") => points.map((point) => ({ at: point.ts_us, value: point[name], of: point.model_id }));
  const values = points.flatMap(({ log_loss: loss, prior_log_loss: prior }) => [loss, prior]);
  const y = padExtent(extentOf(values) ?? { min: 0, max: 1 }, 0.1, 0.02);
  const last = points.at(-1);
  return (
    <TimeChart
      label={`Log loss on ${symbol}: ${formatFixed(last?.log_loss, 4)} over the last ${formatFixed(last?.count, 0)} outcomes, the prior's ${formatFixed(last?.prior_log_loss, 4)} nats`}
      lines={[
        { name: "model", tone: "up", parts: linesOf(series("log_loss"), gap) },
        { name: "class prior", tone: "muted", parts: linesOf(series("prior_log_loss"), gap) },
      ]}
      marks={changesOf(series("log_loss"))}
      x={spanOfTrack(track)}
      y={y}
      ticks={niceTicks(y, 3).map((at) => ({ at, text: formatFixed(at, 3) }))}
    />
  );
}
