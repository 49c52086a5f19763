import { formatFixed, formatPercent, formatSigned } from "../../lib/format.ts";
import { spanOf } from "../../lib/numbers.ts";
import type { Abstention, Coverage, PredictionsData, ReturnInterval, Score } from "../../stream/protocol.ts";
import { NO_INTERVAL_WORDS, REGIME_WORDS } from "../../ui/words.ts";

/** How sure the prediction is: its interval, how often such intervals held, and whether it is a decision. */
export function Certainty({ prediction }: { readonly prediction: PredictionsData }) {
  const { interval, no_interval: reason, coverage, regime } = prediction;
  return (
    <dl className="certainty" data-testid="certainty">
      <dt>Interval</dt>
      <dd>
        {interval === null ? (
          <span className="muted">{reason === null ? "none" : NO_INTERVAL_WORDS[reason]}</span>
        ) : (
          <Interval interval={interval} expectedBps={prediction.expected_return_bps ?? 0} flatBps={prediction.flat_bps ?? 0} />
        )}
      </dd>
      <dt>Held</dt>
      <dd className="figure" data-testid="coverage">{coverage === null ? <span className="muted">none has met its outcome yet</span> : <Held coverage={coverage} />}</dd>
      <dt>Decision</dt>
      <dd data-testid="decision"><Decision abstention={prediction.abstention} score={prediction.score} /></dd>
      <dt>Regret</dt>
      <dd className="figure" title="Mean log loss minus that of the member that was best, known afterwards; below 0 the ensemble beat each of them">
        {formatSigned(prediction.regret_nats, 4)} {prediction.regret_nats !== null && <span className="muted">nats to the best member</span>}
      </dd>
      <dt>Market</dt>
      <dd>{regime === null ? <span className="muted">not known</span> : REGIME_WORDS[regime]}</dd>
    </dl>
  );
}

interface IntervalProps {
  readonly interval: ReturnInterval;
  readonly expectedBps: number;
  readonly flatBps: number;
}

/** In words, and drawn with zero in the middle: the interval, what counts as flat, and the expected return. */
function Interval({ interval, expectedBps, flatBps }: IntervalProps) {
  const { low_bps: low, high_bps: high } = interval;
  const share = formatPercent(interval.coverage_frac, 0);
  if (low === null || high === null) {
    return <span data-testid="interval">without bound: too many of late were missed</span>;
  }
  const reach = Math.max(Math.abs(low), Math.abs(high), 2 * flatBps, 1e-9);
  const style = (from: number, to: number) => spanOf(from, to, reach);
  const text = `${formatSigned(low, 2)} to ${formatSigned(high, 2)} bps`;
  return (
    <>
      <span className="figure" data-testid="interval" title={`${share} of such intervals should hold`}>{text}</span>
      <div className="interval" role="img" aria-label={`${share} interval ${text}`}>
        <span className="interval-flat" style={style(-flatBps, flatBps)} />
        <span className="interval-range" style={style(low, high)} />
        <span className="interval-expected" style={style(expectedBps, expectedBps)} />
      </div>
    </>
  );
}

function Held({ coverage }: { readonly coverage: Coverage }) {
  return (
    <>
      {formatPercent(coverage.coverage_frac, 1)} of {formatFixed(coverage.count, 0)}
      <small> should be {formatPercent(coverage.target_frac, 0)}</small>
    </>
  );
}

function Decision({ abstention, score }: { readonly abstention: Abstention | null; readonly score: Score | null }) {
  return (
    <>
      {abstention === null ? (
        <span>sure enough</span>
      ) : (
        <span className="abstains">
          abstains: {formatPercent(abstention.confidence_frac, 1)} sure, less than {formatPercent(abstention.least_frac, 1)}
        </span>
      )}
      {score !== null && score.count > 0 && (
        <small className="figure">
          right {formatPercent(score.decided_accuracy_frac, 1)} of {formatFixed(score.decided, 0)} decided,{" "}
          {formatPercent(score.abstained_accuracy_frac, 1)} of {formatFixed(score.count - score.decided, 0)} abstained
        </small>
      )}
    </>
  );
}
