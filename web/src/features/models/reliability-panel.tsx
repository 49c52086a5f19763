import { useState, type ChangeEvent } from "react";
import { formatFixed, formatPercent } from "../../lib/format.ts";
import { useIsStale, useSlice } from "../../stream/context.ts";
import type { CalibrationData, InstrumentId, Reliability } from "../../stream/protocol.ts";
import { ENOUGH_INDEPENDENT } from "../../stream/selectors.ts";
import { StaleTag } from "../../ui/age.tsx";
import { ReliabilityDiagram } from "../../ui/reliability-diagram.tsx";
import { Value } from "../../ui/value.tsx";
import { REGIME_WORDS } from "../../ui/words.ts";
import { Fact, type ModelsProps } from "./models-slice.tsx";
import { useHorizonSteps } from "./horizon.ts";

const ALL = "all";
const UNKNOWN = "not known";

/** Whether probabilities meant what they said, live, in all markets or in one kind of market. */
export function ReliabilityPanel({ id, instrument }: ModelsProps) {
  const data = useSlice("calibration", id)?.data;
  const isStale = useIsStale("calibration", id) === true;
  const [wanted, setWanted] = useState(ALL);
  const part = data?.regimes.find((one) => nameOf(one) === wanted) ?? data?.total;
  return (
    <section className="panel reliability-panel" aria-label="Calibration" data-testid="reliability" data-stale={isStale} data-regime={part === data?.total ? ALL : wanted}>
      <header className="panel-head">
        <h3>Calibration</h3>
        <small>{instrument.symbol}, live</small>
        {data !== undefined && <RegimeChoice data={data} wanted={part === data.total ? ALL : wanted} onWant={setWanted} />}
        <StaleTag channel="calibration" id={id} />
      </header>
      {data === undefined || part === undefined ? (
        <p className="muted">Too few outcomes: the first word on calibration comes after 50 of this instrument.</p>
      ) : (
        <div className="reliability-body">
          <ReliabilityDiagram reliability={part} />
          <Figures id={id} part={part} />
        </div>
      )}
    </section>
  );
}

function nameOf({ regime }: Reliability): string {
  return regime === null ? UNKNOWN : REGIME_WORDS[regime];
}

interface ChoiceProps {
  readonly data: CalibrationData;
  readonly wanted: string;
  readonly onWant: (name: string) => void;
}

function RegimeChoice({ data, wanted, onWant }: ChoiceProps) {
  const handleChange = (event: ChangeEvent<HTMLSelectElement>): void => { onWant(event.target.value); };
  return (
    <select className="choice" aria-label="Kind of market" value={wanted} onChange={handleChange}>
      {[ALL, ...data.regimes.map(nameOf)].map((name) => <option key={name} value={name}>{name === ALL ? "all markets" : name}</option>)}
    </select>
  );
}

function Figures({ id, part }: { readonly id: InstrumentId; readonly part: Reliability }) {
  const horizonSteps = useHorizonSteps(id);
  const enough = ENOUGH_INDEPENDENT * horizonSteps;
  const isEnough = part.count >= enough;
  return (
    <dl className="fact-list figure">
      <Fact name="outcomes" label="Outcomes">
        {formatFixed(part.count, 0)}
        {!isEnough && <small className="fact-note warning-text" data-testid="too-few">! too few to judge: it takes {formatFixed(enough, 0)}, as {formatFixed(horizonSteps, 0)} in a row share their prices</small>}
      </Fact>
      <Fact name="ece" label="Calibration error" title="Mean distance of probability and frequency over bins (ECE)"><Value text={formatPercent(part.ece_frac, 1)} why="No outcomes" /></Fact>
      <Fact name="brier" label="Brier score" title="Mean squared distance of the probabilities to what came, 0 to 2"><Value text={formatFixed(part.brier, 3)} why="No outcomes" /></Fact>
      <Fact name="held" label="Intervals that held"><Value text={formatPercent(part.coverage_frac, 1)} why="None had an interval" /> <small>of {formatFixed(part.intervals, 0)}</small></Fact>
    </dl>
  );
}
