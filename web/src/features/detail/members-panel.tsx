import { formatMicros, formatPercent, formatSeconds, formatSignificant, formatSigned } from "../../lib/format.ts";
import { useIsStale, useSlice } from "../../stream/context.ts";
import type { InstrumentId, PredictionsData, Probabilities } from "../../stream/protocol.ts";
import { StaleTag } from "../../ui/age.tsx";
import { OutOfOriginTag } from "../../ui/out-of-origin.tsx";
import { ProbabilityBar } from "../../ui/probability-bar.tsx";
import { WITHHELD_WORDS } from "../../ui/words.ts";
import { Certainty } from "./certainty.tsx";

const MEMBER_LABELS: Readonly<Record<string, string>> = {
  random_forest: "Random forest",
  lightgbm: "LightGBM",
  xgboost: "XGBoost",
  neural_network: "Neural network",
  linear: "Linear",
};

/** The ensemble's prediction beside what each of its members says. */
export function MembersPanel({ id }: { readonly id: InstrumentId }) {
  const prediction = useSlice("predictions", id)?.data;
  const isStale = useIsStale("predictions", id) === true;
  return (
    <section className="panel members-panel" aria-label="Prediction" data-stale={isStale} data-testid="members">
      <header className="panel-head">
        <h3>Prediction</h3>
        {prediction !== undefined && <span className="muted">next {formatSeconds(prediction.horizon_s)}</span>}
        {prediction?.out_of_origin === true && <OutOfOriginTag prediction={prediction} />}
        <StaleTag channel="predictions" id={id} />
        <span className="spacer" />
        {prediction !== undefined && <Facts prediction={prediction} />}
      </header>
      <Body prediction={prediction} />
    </section>
  );
}

function Facts({ prediction }: { readonly prediction: PredictionsData }) {
  return (
    <span className="facts figure">
      <span title="Sequence number of the last event that this prediction has seen">as of #{prediction.asof_seq}</span>
      <span title="From ingest reading the bytes to the gateway">{formatMicros(prediction.latency_us)}</span>
    </span>
  );
}

function Body({ prediction }: { readonly prediction: PredictionsData | undefined }) {
  if (prediction === undefined) return <p className="muted">No prediction has arrived for this instrument yet.</p>;
  if (prediction.probabilities === null) {
    return <p className="withheld">{prediction.withheld === null ? "No numbers" : WITHHELD_WORDS[prediction.withheld]}.</p>;
  }
  return (
    <>
      <Members prediction={prediction} probabilities={prediction.probabilities} />
      <Certainty prediction={prediction} />
    </>
  );
}

interface MembersProps {
  readonly prediction: PredictionsData;
  readonly probabilities: Probabilities;
}

function Members({ prediction, probabilities }: MembersProps) {
  return (
    <dl className="members">
      <dt className="is-ensemble">
        Ensemble
        <small className="figure">
          {formatSigned(prediction.expected_return_bps, 2)} bps; flat within ±{formatSignificant(prediction.flat_bps, 2)}
        </small>
      </dt>
      <dd className="is-ensemble"><ProbabilityBar probabilities={probabilities} /></dd>
      {Object.entries(prediction.members).map(([name, ofMember], place) => (
        <div key={name} className="member">
          <dt>
            {MEMBER_LABELS[name] ?? name}
            <small className="figure" title="Its weight in the ensemble, which follows what it is worth in this kind of market">
              {formatPercent(prediction.weights[place], 0)}
            </small>
          </dt>
          <dd><ProbabilityBar probabilities={ofMember} isCompact /></dd>
        </div>
      ))}
    </dl>
  );
}
