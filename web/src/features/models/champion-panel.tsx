import { formatFixed, formatPercent } from "../../lib/format.ts";
import { useSecondsSince } from "../../stream/context.ts";
import type { ModelsData } from "../../stream/models.ts";
import type { InstrumentId } from "../../stream/protocol.ts";
import { OriginTag } from "../../ui/badges.tsx";
import { REASON_WORDS, triggerWords } from "../../ui/model-words.ts";
import { Value } from "../../ui/value.tsx";
import { Fact, plainAge, Since, useAnswers, useModels, type ModelsProps } from "./models-slice.tsx";

/** Who serves, since when and why, and when the next training is due. True until it is decided otherwise, however old. */
export function ChampionPanel({ id, instrument }: ModelsProps) {
  const data = useModels();
  const championId = data?.champion_id ?? null;
  const isForeign = data?.trained_on != null && data.trained_on !== instrument.origin;
  return (
    <section className="panel champion" aria-label="In service" data-testid="champion" data-model-id={championId ?? ""}>
      <header className="panel-head">
        <h3>In service</h3>
        {championId !== null && <code className="model-name">{championId}</code>}
        {isForeign && <span className="tag warning" title="It was trained on data of another kind than it is used on">! untested here</span>}
      </header>
      {data === undefined ? <p className="muted">The gateway has told nothing of models yet.</p> : <Body id={id} data={data} />}
    </section>
  );
}

function Body({ id, data }: { readonly id: InstrumentId; readonly data: ModelsData }) {
  const isServed = data.champion_id !== null;
  return (
    <>
      {!isServed && (
        <p className="muted">
          No model serves yet: the first one does once a training has brought it. <code>foretick logs predictor.train</code> says how far that is.
        </p>
      )}
      <dl className="fact-list figure">
        {isServed && <ServiceFacts data={data} />}
        <TrainingFacts data={data} />
        {isServed && <ExamFacts id={id} />}
      </dl>
      {data.faults.length > 0 && <ul className="model-faults" data-testid="model-faults">{data.faults.map((fault) => <li key={fault}>! {fault}</li>)}</ul>}
    </>
  );
}

function ServiceFacts({ data }: { readonly data: ModelsData }) {
  const { entry, trained_on: trainedOn, trigger } = data;
  return (
    <>
      <Fact name="serves-since" label="In service since"><Since us={entry?.ts_us ?? null} why="Longer ago than the decisions that the gateway keeps" /></Fact>
      <Fact name="serves-why" label="Because">
        <Value text={entry === null ? null : REASON_WORDS[entry.reason]} why="Longer ago than the decisions that the gateway keeps" />
        {entry !== null && entry.detail !== "" && <small className="fact-note">{entry.detail}</small>}
      </Fact>
      <Fact name="trained" label="Trained">
        {trainedOn !== null && <OriginTag origin={trainedOn} isShort />} <Since us={data.trained_us} why="It was not told" />
        {trigger !== null && trigger !== "" && <small className="fact-note">asked for: {triggerWords(trigger)}</small>}
      </Fact>
      <Fact name="predecessor" label="A rollback brings back">
        <Value text={data.predecessor_id} why="No other model served before it" />
      </Fact>
    </>
  );
}

function TrainingFacts({ data }: { readonly data: ModelsData }) {
  const { training_due_us: dueUs, failed_trainings: failed } = data;
  const seconds = useSecondsSince(dueUs);
  const words = dueUs === null
    ? data.age_ms === null ? null : "never for age"
    : seconds === null ? null : seconds >= 0 ? "due now" : `in ${plainAge(-seconds)}`;
  return (
    <Fact name="training-due" label="Next training" title="By the age of the newest model; drift may ask for one earlier">
      <Value text={words} why="predictor.watch has not told, or the gateway's clock is not known yet" />
      {failed === 1 && <small className="fact-note">the last request, <Since us={data.training_asked_us} why="It was not told when" />, has brought no model yet</small>}
      {failed > 1 && <small className="fact-note warning-text">! the last {failed} requests have brought no model</small>}
    </Fact>
  );
}

/** What it did on the unseen market of its training, beside which the live figures stand. */
function ExamFacts({ id }: { readonly id: InstrumentId }) {
  const metrics = useAnswers(id)?.answer.metrics;
  const why = "The gateway has not answered yet, or the model came without it";
  return (
    <Fact name="exam" label="On its unseen test market">
      log loss <Value text={formatFixed(metrics?.["log_loss_nats"], 4)} why={why} />
      <small> prior <Value text={formatFixed(metrics?.["prior_log_loss_nats"], 4)} why={why} />,</small> error{" "}
      <Value text={formatPercent(metrics?.["ece_frac"], 1)} why={why} />, Brier <Value text={formatFixed(metrics?.["brier"], 3)} why={why} />
    </Fact>
  );
}
