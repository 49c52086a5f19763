import { formatUtcDay } from "../../lib/format.ts";
import type { DecisionTold } from "../../stream/models.ts";
import type { InstrumentId } from "../../stream/protocol.ts";
import { DECISION_GLYPHS, DECISION_LABELS, REASON_WORDS } from "../../ui/model-words.ts";
import { useAnswers } from "./models-slice.tsx";

const SHOWN = 8;

/** The audit trail: what was decided, about which model, why, and by whom. */
export function TrailPanel({ id }: { readonly id: InstrumentId }) {
  const trail = useAnswers(id)?.answer.trail;
  return (
    <section className="panel trail" aria-label="Decisions" data-testid="trail">
      <header className="panel-head">
        <h3>Decisions</h3>
        {trail !== undefined && trail.length > SHOWN && <small>the last {SHOWN}; all: foretick models trail</small>}
      </header>
      {trail === undefined && <p className="muted">The gateway has not answered yet.</p>}
      {trail?.length === 0 && <p className="muted">Nothing has been decided yet: the first decision puts the first model in service.</p>}
      {trail !== undefined && trail.length > 0 && (
        <ol className="decisions">{trail.slice(0, SHOWN).map((decision) => <Row key={decision.ts_us} decision={decision} />)}</ol>
      )}
    </section>
  );
}

function Row({ decision }: { readonly decision: DecisionTold }) {
  const figures = Object.entries(decision.statistics).map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`);
  return (
    <li data-testid="decision-row" data-kind={decision.kind} title={[`By ${decision.by}`, ...figures].join("; ")}>
      <span className={`tag decision is-${decision.kind}`}><i aria-hidden="true">{DECISION_GLYPHS[decision.kind]}</i> {DECISION_LABELS[decision.kind]}</span>
      {decision.model_id !== null && <code className="model-name">{decision.model_id}</code>}
      <small className="figure">{formatUtcDay(decision.ts_us)}</small>
      <p>
        {REASON_WORDS[decision.reason]}
        {decision.detail !== "" && <small>: {decision.detail}</small>}
      </p>
    </li>
  );
}
