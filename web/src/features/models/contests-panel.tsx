import type { ContestState } from "../../contracts/bus";
import { linesOf, type Sample } from "../../charts/time-lines.ts";
import { formatFixed, formatPercent, formatSignificant, formatSigned } from "../../lib/format.ts";
import type { ContestPoint, Past } from "../../stream/models.ts";
import type { InstrumentId } from "../../stream/protocol.ts";
import { TimeChart } from "../../ui/time-chart.tsx";
import { Fact, useAnswers, useModels, useWatchIsStale, WatchTag } from "./models-slice.tsx";

/** The models in shadow: what each has gained on the champion, and its wealth against the limit that decides. */
export function ContestsPanel({ id }: { readonly id: InstrumentId }) {
  const data = useModels();
  const isStale = useWatchIsStale();
  const past = useAnswers(id)?.contests ?? null;
  return (
    <section className="panel contests" aria-label="On trial" data-testid="contests" data-stale={isStale}>
      <header className="panel-head">
        <h3>On trial</h3>
        <small>in shadow, on what the champion predicts</small>
        <WatchTag />
      </header>
      {data === undefined || data.age_ms === null ? (
        <p className="muted">predictor.watch has told nothing yet; it does every few seconds once it runs.</p>
      ) : data.contests.length === 0 ? (
        <p className="muted">No model is on trial. The next one comes with the next training.</p>
      ) : (
        data.contests.map((contest) => <Rival key={contest.model_id} contest={contest} past={past} />)
      )}
    </section>
  );
}

interface RivalProps {
  readonly contest: ContestState;
  readonly past: Past<ContestPoint> | null;
}

function Rival({ contest, past }: RivalProps) {
  const { model_id: modelId, is_predecessor: isPredecessor, blocks, needed } = contest;
  const most = contest.blocks_most ?? 0;
  return (
    <section className="rival" aria-label={modelId} data-testid={`rival-${modelId}`} data-predecessor={isPredecessor}>
      <h4>
        <code className="model-name">{modelId}</code>{" "}
        <span className="tag" title={isPredecessor ? "It served before, and comes back if it is proven better than its successor" : "It is promoted once it is proven better than the champion"}>
          {isPredecessor ? "on probation, served before" : "challenger"}
        </span>
      </h4>
      <dl className="fact-list figure">
        <Fact name="blocks" label="Blocks compared" title="Stretches of three horizons; no two share a return">
          {formatFixed(blocks, 0)} {most > 0 && <small>of at most {formatFixed(most, 0)}</small>}
        </Fact>
        <Fact name="gain" label="Better by" title="Mean of the champion's log loss minus its own">
          {formatSigned(contest.gain_nats, 5)} <small>nats a prediction</small>
        </Fact>
        <Fact name="evidence" label={isPredecessor ? "Wealth for bringing it back" : "Wealth for promoting it"} title="An e-process: by luck it reaches the limit once in so many trials at most, however often one looks">
          {formatSignificant(contest.evidence, 3)} <small>of {formatSignificant(needed, 3)}</small>
        </Fact>
        <Fact name="against" label="Wealth for its being worse">{formatSignificant(contest.against_evidence, 3)}</Fact>
        {contest.disputed_frac > 0 && (
          <Fact name="disputed" label="Left out" title="Outcomes that the two models' flat thresholds class differently">{formatPercent(contest.disputed_frac, 1)}</Fact>
        )}
      </dl>
      <Wealth contest={contest} past={past} />
    </section>
  );
}

/** Less wealth than this is drawn as this: it can only rise from there, and what is lost is lost. */
const LEAST_DECADES = -2;
const US_PER_S = 1_000_000;

function Wealth({ contest, past }: RivalProps) {
  const points = (past?.points ?? []).flatMap((point) => {
    const own = point.contests.find(({ model_id: modelId }) => modelId === contest.model_id);
    return own === undefined ? [] : [{ at: point.ts_us, own, of: point.champion_id ?? "" }];
  });
  const last = points.at(-1);
  if (past === null || last === undefined) return <p className="muted">Its wealth over time is not known yet.</p>;
  const limit = Math.log10(contest.needed);
  const gap = 2.5 * past.step_s * US_PER_S;
  const series = (read: (state: ContestState) => number) => linesOf(beginnings(points.map(({ at, own, of }) => ({ at, value: decades(read(own)), of, blocks: own.blocks }))), gap);
  return (
    <TimeChart
      label={`Wealth of ${contest.model_id} on a logarithmic scale: ${formatSignificant(contest.evidence, 3)} of the ${formatSignificant(contest.needed, 3)} that decide`}
      lines={[
        { name: "that it is better", tone: "up", parts: series(({ evidence }) => evidence) },
        { name: "that it is worse", tone: "down", parts: series(({ against_evidence: against }) => against) },
      ]}
      levels={[{ at: limit, text: `${formatSignificant(contest.needed, 3)} decides` }]}
      x={{ min: Math.max(points[0]?.at ?? last.at, last.at - past.span_s * US_PER_S), max: last.at }}
      y={{ min: LEAST_DECADES, max: limit + 0.5 }}
      ticks={[{ at: -2, text: "≤0.01" }, { at: -1, text: "0.1" }, { at: 0, text: "1" }, { at: 1, text: "10" }].filter(({ at }) => at < limit - 0.4)}
    />
  );
}

function decades(wealth: number): number {
  return Math.max(LEAST_DECADES, Math.log10(wealth));
}

/** A watch that was started anew began its contests anew: fewer blocks than before. */
function beginnings(points: readonly (Sample & { readonly blocks: number })[]): Sample[] {
  let begun = 0;
  return points.map((point, place) => {
    if (place > 0 && point.blocks < (points[place - 1]?.blocks ?? 0)) begun += 1;
    return { ...point, of: `${point.of} ${begun}` };
  });
}
