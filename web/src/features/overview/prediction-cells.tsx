import type { ReactNode } from "react";
import { formatSeconds, formatSigned, NOTHING } from "../../lib/format.ts";
import type { InstrumentId, PredictionsData } from "../../stream/protocol.ts";
import { Age } from "../../ui/age.tsx";
import { OutOfOriginTag } from "../../ui/out-of-origin.tsx";
import { ProbabilityBar } from "../../ui/probability-bar.tsx";
import { WITHHELD_WORDS } from "../../ui/words.ts";

interface CellProps {
  readonly prediction: PredictionsData | undefined;
}

export function PredictionCell({ prediction, stale }: CellProps & { readonly stale: ReactNode }) {
  return (
    <div role="gridcell" className="cell-prediction" data-testid="prediction">
      {prediction === undefined && <span className="muted">No prediction has arrived yet</span>}
      {prediction?.withheld != null && <span className="withheld">{WITHHELD_WORDS[prediction.withheld]}</span>}
      {prediction?.probabilities != null && <ProbabilityBar probabilities={prediction.probabilities} />}
      {prediction?.out_of_origin === true && <OutOfOriginTag prediction={prediction} />}
      {stale}
    </div>
  );
}

export function ExpectedCell({ prediction }: CellProps) {
  const bps = prediction?.expected_return_bps ?? null;
  return (
    <div role="gridcell" className="cell-expected figure">
      <b data-testid="expected">{bps === null ? NOTHING : formatSigned(bps, 2)}</b>
      <small>{prediction === undefined ? "" : `bps in ${formatSeconds(prediction.horizon_s)}`}</small>
    </div>
  );
}

export function AgeCell({ id, link }: { readonly id: InstrumentId; readonly link: ReactNode }) {
  return (
    <div role="gridcell" className="cell-age figure">
      <span title="Since this prediction arrived"><Age channel="predictions" id={id} /></span>
      {link}
    </div>
  );
}
