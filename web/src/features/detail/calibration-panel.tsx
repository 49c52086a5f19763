import { formatFixed, formatPercent } from "../../lib/format.ts";
import { useIsStale, useSlice } from "../../stream/context.ts";
import type { CalibrationData, InstrumentId, Reliability } from "../../stream/protocol.ts";
import { StaleTag } from "../../ui/age.tsx";
import { ReliabilityDiagram } from "../../ui/reliability-diagram.tsx";
import { REGIME_WORDS } from "../../ui/words.ts";

/** Whether the predictions of an instrument meant what they said: reliability by bins, and errors and coverage by regime. */
export function CalibrationPanel({ id }: { readonly id: InstrumentId }) {
  const data = useSlice("calibration", id)?.data;
  const isStale = useIsStale("calibration", id) === true;
  return (
    <section className="panel calibration-panel" aria-label="Calibration" data-stale={isStale} data-testid="calibration">
      <header className="panel-head">
        <h3>Calibration</h3>
        {data !== undefined && <span className="muted">last {formatFixed(data.total.count, 0)} outcomes</span>}
        <StaleTag channel="calibration" id={id} />
      </header>
      {data === undefined ? (
        <p className="muted">Too few outcomes are known yet.</p>
      ) : (
        <div className="calibration">
          <ReliabilityDiagram reliability={data.total} />
          <Regimes data={data} />
        </div>
      )}
    </section>
  );
}

function Regimes({ data }: { readonly data: CalibrationData }) {
  return (
    <table className="regimes figure">
      <thead>
        <tr>
          <th scope="col">Market</th>
          <th scope="col">Outcomes</th>
          <th scope="col" title="Mean distance of probability and frequency">Error</th>
          <th scope="col" title="Squared distance of the probabilities to what came, 0 to 2">Brier</th>
          <th scope="col" title={`Share of intervals that held; ${formatPercent(data.target_frac)} should`}>Held</th>
        </tr>
      </thead>
      <tbody>
        <Row name="all" part={data.total} />
        {data.regimes.map((part) => (
          <Row key={part.regime} name={part.regime === null ? "not known" : REGIME_WORDS[part.regime]} part={part} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ name, part }: { readonly name: string; readonly part: Reliability }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{formatFixed(part.count, 0)}</td>
      <td>{formatPercent(part.ece_frac, 1)}</td>
      <td>{formatFixed(part.brier, 3)}</td>
      <td>{formatPercent(part.coverage_frac, 1)}</td>
    </tr>
  );
}
