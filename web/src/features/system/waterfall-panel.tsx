import type { CSSProperties } from "react";
import { formatAge, formatFixed, formatMicros } from "../../lib/format.ts";
import { useFeedState, useSlice, useTimedState } from "../../stream/context.ts";
import { SYSTEM_ID, type WaterfallData } from "../../stream/protocol.ts";
import { waterfallAgeMs, waterfallIsStale } from "../../stream/staleness.ts";
import { skewedOf, trackOf, type Bar } from "../../stream/waterfall.ts";
import type { WireSummary } from "../../stream/wire.ts";
import { STAGE_LABELS, STAGE_MEANINGS } from "../../ui/words.ts";

interface Props {
  readonly id: string;
  readonly onClose: () => void;
}

/** Where the time goes between the venue's bytes and this page, stage by stage. */
export function WaterfallPanel({ id, onClose }: Props) {
  const waterfall = useSlice("metrics", SYSTEM_ID)?.data.waterfall;
  const summary = useFeedState((state) => state.wire.summary);
  const isStale = useTimedState(waterfallIsStale);
  return (
    <section id={id} className="panel waterfall" aria-label="Latency by stage" data-stale={isStale} data-testid="waterfall">
      <header className="panel-head">
        <h3>Latency by stage</h3>
        {waterfall !== undefined && <small>last {waterfall.window_s} s, {formatFixed(waterfall.count, 0)} predictions</small>}
        <LastPrediction isStale={isStale} />
        <button type="button" className="icon-button" onClick={onClose} aria-label="Close the latency panel" title="Close (Esc)">
          ×
        </button>
      </header>
      {waterfall === undefined || waterfall.count === 0 ? (
        <p className="muted">No prediction has arrived in the last minute, so there is nothing to time.</p>
      ) : (
        <Stages waterfall={waterfall} summary={summary} />
      )}
    </section>
  );
}

function LastPrediction({ isStale }: { readonly isStale: boolean }) {
  const tenths = useTimedState((state, nowMs) => {
    const ageMs = waterfallAgeMs(state, nowMs);
    return ageMs === null ? null : Math.floor(ageMs / 100);
  });
  if (tenths === null) return null;
  return isStale ? (
    <span className="tag stale">STALE {formatAge(Math.floor(tenths / 10) * 10).replace(".0", "")}</span>
  ) : (
    <small className="figure">newest {formatAge(tenths)} old</small>
  );
}

interface StagesProps {
  readonly waterfall: WaterfallData;
  readonly summary: WireSummary | null;
}

function Stages({ waterfall, summary }: StagesProps) {
  const { bars, scaleUs } = trackOf(waterfall, summary);
  return (
    <>
      <table className="stages">
        <thead>
          <tr>
            <th scope="col">Stage</th>
            <td className="stage-track" aria-hidden="true">
              <span className="stage-scale figure" data-testid="scale"><i>0</i><i>{formatMicros(scaleUs)}</i></span>
            </td>
            <th scope="col">p50</th>
            <th scope="col">p99</th>
          </tr>
        </thead>
        <tbody>
          {bars.map((bar) => <StageRow key={bar.name} bar={bar} />)}
        </tbody>
        <tfoot>
          <Total name="gateway" label="Socket to gateway" p50Us={waterfall.p50_us} p99Us={waterfall.p99_us} />
          {summary !== null && <Total name="page" label="Socket to this page" p50Us={summary.wholeP50Us} p99Us={summary.wholeP99Us} />}
        </tfoot>
      </table>
      <Notes waterfall={waterfall} summary={summary} />
    </>
  );
}

function StageRow({ bar }: { readonly bar: Bar }) {
  const style = {
    "--start": `${100 * bar.startFrac}%`, "--p50": `${100 * bar.p50Frac}%`, "--p99": `${100 * bar.p99Frac}%`,
  } as CSSProperties;
  return (
    <tr className={`stage is-${bar.name}`} data-testid={`stage-${bar.name}`} data-p50-us={Math.round(bar.p50Us)} data-p99-us={Math.round(bar.p99Us)}>
      <th scope="row" title={STAGE_MEANINGS[bar.name]}>{STAGE_LABELS[bar.name]}</th>
      <td className="stage-track" aria-hidden="true">
        <span className={bar.isClipped ? "stage-bar is-clipped" : "stage-bar"} style={style}><i /><i /></span>
      </td>
      <td className="figure">{formatMicros(bar.p50Us)}</td>
      <td className="figure">{formatMicros(bar.p99Us)}</td>
    </tr>
  );
}

interface TotalProps {
  readonly name: string;
  readonly label: string;
  readonly p50Us: number | null;
  readonly p99Us: number | null;
}

function Total({ name, label, p50Us, p99Us }: TotalProps) {
  return (
    <tr data-testid={`total-${name}`} data-p50-us={Math.round(p50Us ?? 0)}>
      <th scope="row" colSpan={2}>{label}</th>
      <td className="figure">{formatMicros(p50Us)}</td>
      <td className="figure">{formatMicros(p99Us)}</td>
    </tr>
  );
}

/** What the figures do not say by themselves. */
function Notes({ waterfall, summary }: StagesProps) {
  const isReplay = useFeedState((state) => state.welcome?.origin === "replay");
  const pageSkewed = useFeedState((state) => state.wire.skewed);
  const gateway = waterfall.stages.find(({ stage }) => stage === "gateway");
  const skewed = skewedOf(waterfall) + pageSkewed;
  return (
    <ul className="stage-notes">
      <li>Bars are typical times (p50), hatched on the bus; lines go on to the p99, with an arrow where that lies beyond the scale.</li>
      {summary === null ? (
        <li>The way to this page is timed as soon as a ping has told the gateway&apos;s clock.</li>
      ) : (
        <li>
          To this page: timed here, predictions: {formatFixed(summary.count, 0)}; right to within ±{formatMicros(summary.uncertaintyUs)}, half a
          round trip. Of it in the gateway: {formatMicros(gateway?.p50_us)}, p99 {formatMicros(gateway?.p99_us)}.
        </li>
      )}
      <li>Percentiles of stages do not add up to those of the whole, which is measured by itself.</li>
      {isReplay && <li>Replay: counted from when the recorded bytes were played here, not from when the venue sent them.</li>}
      {skewed > 0 && (
        <li className="is-warning">
          ! {formatFixed(skewed, 0)} timings ran backwards and were left out: the clocks of two machines disagree, or one was set.
        </li>
      )}
    </ul>
  );
}
