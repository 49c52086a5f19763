import { judgeCoverage, type CoverageVerdict } from "../../lib/coverage.ts";
import { formatFixed, formatPercent } from "../../lib/format.ts";
import { useFeedState, useIsStale, useSlice } from "../../stream/context.ts";
import { instrumentId, type InstrumentId, type Score } from "../../stream/protocol.ts";
import { ENOUGH_INDEPENDENT, judgeScore, type Verdict } from "../../stream/selectors.ts";
import { Value } from "../../ui/value.tsx";

const COVERAGE_LABELS: Readonly<Record<CoverageVerdict, string>> = {
  too_few: "too few",
  low: "! too seldom",
  as_said: "as it should",
  high: "! too often",
};

const WORTH_LABELS: Readonly<Record<Verdict, string>> = { too_early: "too early", ahead: "ahead", no_edge: "no edge yet", behind: "! behind" };

const WHY_NOTHING = "No prediction of the model has met its outcome yet";

/** Each instrument now: whether its intervals hold as often as they should, and whether the model is worth more than the prior. */
export function InstrumentsPanel() {
  const instruments = useFeedState((state) => state.welcome?.instruments) ?? [];
  return (
    <section className="panel" aria-label="All instruments" data-testid="instruments-panel">
      <header className="panel-head">
        <h3>All instruments</h3>
        <small>over each one's latest outcomes</small>
      </header>
      <table className="grid-table figure instruments-table">
        <thead>
          <tr>
            <th scope="col">Instrument</th>
            <th scope="col">Held</th>
            <th scope="col" title="Beyond what chance does in 95 of 100 cases, overlapping horizons counted once">Coverage</th>
            <th scope="col">Log loss <small>prior</small></th>
            <th scope="col" title="In accuracy and log loss, beyond two standard errors, overlapping horizons counted once">To the prior</th>
          </tr>
        </thead>
        <tbody>{instruments.map(({ venue, symbol }) => <Row key={`${venue}:${symbol}`} id={instrumentId(venue, symbol)} symbol={symbol} />)}</tbody>
      </table>
    </section>
  );
}

function Row({ id, symbol }: { readonly id: InstrumentId; readonly symbol: string }) {
  const prediction = useSlice("predictions", id)?.data;
  const isStale = useIsStale("predictions", id) === true;
  const { coverage = null, horizon_steps: horizonSteps = 1 } = prediction ?? {};
  const verdict = coverage === null ? null : judgeCoverage(coverage.coverage_frac, coverage.target_frac, coverage.count, horizonSteps, ENOUGH_INDEPENDENT);
  return (
    <tr data-testid={`live-${id}`} data-stale={isStale} data-coverage={verdict ?? ""}>
      <th scope="row">{symbol}</th>
      <td><Value text={formatPercent(coverage?.coverage_frac, 1)} why={WHY_NOTHING} /> {coverage !== null && <small>of {formatFixed(coverage.count, 0)}</small>}</td>
      <td>{verdict !== null && <span className={`tag coverage is-${verdict}`}>{COVERAGE_LABELS[verdict]}</span>}</td>
      <Worth score={prediction?.score ?? null} horizonSteps={horizonSteps} />
    </tr>
  );
}

function Worth({ score, horizonSteps }: { readonly score: Score | null; readonly horizonSteps: number }) {
  return (
    <>
      <td><Value text={formatFixed(score?.log_loss, 3)} why={WHY_NOTHING} /> {score !== null && <small>{formatFixed(score.prior_log_loss, 3)}</small>}</td>
      <td className="verdict-cell">{score === null ? <Value text={null} why={WHY_NOTHING} /> : WORTH_LABELS[judgeScore(score, horizonSteps)]}</td>
    </>
  );
}
