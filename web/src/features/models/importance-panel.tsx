import { formatFixed, formatPercent, formatSignificant } from "../../lib/format.ts";
import { useFeedState } from "../../stream/context.ts";
import type { ModelsAnswer } from "../../stream/models.ts";
import type { InstrumentId } from "../../stream/protocol.ts";
import { useAnswers, useModels } from "./models-slice.tsx";

const SHOWN = 12;

/** What the model in service leans on: the mean size of each feature's contribution over rows that it never saw. */
export function ImportancePanel({ id }: { readonly id: InstrumentId }) {
  const answer = useAnswers(id)?.answer ?? null;
  const championId = useModels()?.champion_id;
  const isOfAnother = answer !== null && championId !== undefined && answer.champion_id !== championId;
  return (
    <section className="panel importance" aria-label="Importance" data-testid="importance" data-stale={isOfAnother} data-model-id={answer?.champion_id ?? ""}>
      <header className="panel-head">
        <h3>Importance</h3>
        <small>mean size of a contribution to P(up) − P(down)</small>
        {isOfAnother && <span className="tag stale">of the model before; asking</span>}
      </header>
      {answer === null ? <p className="muted">The gateway has not answered yet.</p> : <Body answer={answer} />}
    </section>
  );
}

function Body({ answer }: { readonly answer: ModelsAnswer }) {
  const stability = answer.metrics["importance_rank_correlation"];
  if (Object.keys(answer.importance).length === 0) {
    return <p className="muted">{answer.champion_id === null ? "No model serves yet." : "This model came without importances."}</p>;
  }
  return (
    <>
      <Bars importance={answer.importance} />
      {stability !== undefined && (
        <p className="muted figure" data-testid="stability">
          Stability {formatFixed(stability, 2)}: rank correlation with the importance over the rows that it learnt from; far below 1 it leans on other features than there.
        </p>
      )}
    </>
  );
}

function Bars({ importance }: Pick<ModelsAnswer, "importance">) {
  const features = useFeedState((state) => state.welcome?.features) ?? [];
  const known = new Map(features.map((feature) => [feature.name, feature]));
  const sorted = Object.entries(importance).sort((a, b) => b[1] - a[1]);
  const total = sorted.reduce((sum, [, size]) => sum + size, 0);
  const largest = sorted[0]?.[1] ?? 0;
  return (
    <ol className="importance-bars figure">
      {sorted.slice(0, SHOWN).map(([name, size]) => (
        <li key={name} title={`${name} = ${known.get(name)?.formula ?? "a feature of another schema"}`} data-testid={`importance-${name}`}>
          <span>{known.get(name)?.label ?? name} <small>{known.get(name)?.group}</small></span>
          <span className="importance-bar" aria-hidden="true"><i style={{ width: `${largest > 0 ? (100 * size) / largest : 0}%` }} /></span>
          <b title={`${formatPercent(total > 0 ? size / total : null, 1)} of all ${sorted.length}`}>{formatSignificant(size, 2)}</b>
        </li>
      ))}
    </ol>
  );
}
