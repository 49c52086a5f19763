import { describe, expect, it } from "vitest";
import { at, BTC, calibration, delta, ETH, prediction, snapshot, T0_US, welcome } from "../testing/builders.ts";
import { contest, decisionTold, models, modelsAnswers, trackPoint } from "../testing/model-builders.ts";
import { decodeFrame } from "./decode.ts";
import { asContests, asModelsAnswer, asTrackRecord, watchAgeMs, watchIsStale, type ModelsAnswers } from "./models.ts";
import { reduce } from "./reducer.ts";
import { INITIAL_STATE, type FeedEvent, type FeedState } from "./state.ts";

const told = (answers: ModelsAnswers, id = BTC): FeedEvent => ({ kind: "models", atMs: 0, id, told: answers });
const run = (...events: (FeedEvent | FeedEvent[])[]): FeedState => reduce(INITIAL_STATE, events.flat());
const S = 1_000_000;
const score = { count: 2_150, accuracy_frac: 0.5, prior_accuracy_frac: 0.4, log_loss: 0.95, prior_log_loss: 1.05, decided: 1, decided_accuracy_frac: 1, abstained_accuracy_frac: 0 };
const judged = prediction({ score, coverage: { count: 2_050, coverage_frac: 0.91, target_frac: 0.9 } });

/** What the feed tells of a calibration so many seconds later; the first is the snapshot. */
function calibrated(...seconds: number[]): FeedEvent[] {
  const [first = 0, ...later] = seconds;
  const data = (second: number) => calibration({ ts_recv_us: T0_US + second * S });
  return at(0, snapshot("calibration", data(first), { seq: 1 }), ...later.map((second, place) => delta("calibration", data(second), { seq: place + 2, prev: place + 1 })));
}

const seconds = (state: FeedState): number[] => state.models?.told?.track.points.map(({ ts_us: us }) => (us - T0_US) / S) ?? [];

describe("the track record", () => {
  it("goes on with each word on calibration, its newest point moving until a step lies behind it", () => {
    const start = run(told(modelsAnswers()), at(0, snapshot("predictions", judged, { seq: 1 })));
    expect(seconds(start)).toEqual([-60, -30, 0]);
    const state = reduce(start, calibrated(0, 5, 10, 30, 35, 60));
    expect(seconds(state)).toEqual([-60, -30, 0, 30, 60]);
    expect(state.models?.told?.track.points.at(-1)).toEqual({
      ts_us: T0_US + 60 * S, model_id: "ensemble-1", intervals: 2_050, coverage_frac: 0.91, count: 2_150, log_loss: 0.95, prior_log_loss: 1.05,
    });
  });

  it("forgets what is older than its span", () => {
    const start = run(told(modelsAnswers({ track: { points: [trackPoint(-3_590), trackPoint(0)] } })), at(0, snapshot("predictions", judged, { seq: 1 })));
    expect(seconds(reduce(start, calibrated(0, 11)))).toEqual([0, 11]);
  });

  it("takes nothing of another instrument, of another model, or without a score", () => {
    for (const one of [prediction(), prediction({ ...judged, model_id: "ensemble-2" })]) {
      expect(seconds(run(told(modelsAnswers()), at(0, snapshot("predictions", one, { seq: 1 })), calibrated(0, 40)))).toEqual([-60, -30, 0]);
    }
    const other = run(told(modelsAnswers(), ETH), at(0, snapshot("predictions", judged, { seq: 1 })), calibrated(0, 40));
    expect(seconds(other)).toEqual([-60, -30, 0]);
  });

  it("keeps what the feed told after the last point of a later answer, and is another one's at once", () => {
    const state = run(told(modelsAnswers()), at(0, snapshot("predictions", judged, { seq: 1 })), calibrated(0, 40), told(modelsAnswers()));
    expect(seconds(state)).toEqual([-60, -30, 0, 40]);
    expect(seconds(reduce(state, [told(modelsAnswers(), ETH)]))).toEqual([-60, -30, 0]);
    const missed = reduce(state, [{ kind: "models-unanswered", atMs: 0, id: BTC, reason: "503" }]);
    expect([missed.models?.failure, seconds(missed)]).toEqual(["503", [-60, -30, 0, 40]]);
    expect(reduce(state, [{ kind: "models-unanswered", atMs: 0, id: ETH, reason: "503" }]).models?.told).toBeNull();
  });

  it("of another run counts nothing", () => {
    expect(run(at(0, welcome()), told(modelsAnswers()), at(1, welcome({ run_id: "run-2" }))).models).toBeNull();
  });
});

describe("the contests", () => {
  it("go on with each word of the watch, not with a decision that repeats it", () => {
    const word = (second: number, evidence: number, ageMs = 0) => models({ contests: [contest({ evidence })], age_ms: ageMs, decision: decisionTold({ ts_us: T0_US + second * S }) });
    const place = (second: number) => T0_US + second * S;
    const state = run(told(modelsAnswers()), at(0,
      snapshot("models", word(0, 1), { seq: place(0) }),
      delta("models", word(5, 2), { seq: place(5), prev: place(0) }),
      delta("models", word(50, 2, 45_000), { seq: place(50), prev: place(5) }),
    ));
    const pointsOf = ({ models: reading }: FeedState) => reading?.told?.contests.points.map(({ ts_us: us, contests }) => [(us - T0_US) / S, contests[0]?.evidence]);
    expect(pointsOf(state)).toEqual([[5, 2]]);
    const later = reduce(state, at(1, delta("models", word(60, 3), { seq: place(60), prev: place(50) })));
    expect(pointsOf(later)).toEqual([[5, 2], [60, 3]]);
    expect(state.slices.models.get("*:*")?.data.age_ms).toBe(45_000);
  });

  it("are as old as what the watch told, however new the decision", () => {
    const state = run(at(0, welcome(), snapshot("models", models({ age_ms: 29_000 }), { seq: 1 })));
    expect([watchAgeMs(state, 500), watchIsStale(state, 500), watchIsStale(state, 1_500)]).toEqual([29_500, false, true]);
    expect(watchIsStale(run(at(0, welcome(), snapshot("models", models({ age_ms: null }), { seq: 1 }))), 0)).toBeNull();
  });
});

describe("what comes from outside", () => {
  const frame = (data: unknown) => decodeFrame(JSON.stringify({ type: "snapshot", channel: "models", venue: "*", symbol: "*", epoch: 0, seq: 1, data })).kind;

  it("is refused where the page would compute on what is not there", () => {
    expect(frame(models({ contests: [contest()] }))).toBe("message");
    expect(frame({ ...models(), contests: [{ model_id: "x" }] })).toBe("malformed");
    expect(frame({ ...models(), entry: {} })).toBe("malformed");
    expect(frame({ ...models(), drift: null })).toBe("malformed");
  });

  it("is an answer only with all its parts", () => {
    const { answer, track, contests } = modelsAnswers({ contests: { points: [{ ts_us: 1, champion_id: null, loss_nats: null, contests: [contest()] }] } });
    expect([asModelsAnswer(answer), asTrackRecord(track), asContests(contests)]).toEqual([answer, track, contests]);
    expect([asModelsAnswer({ ...answer, trail: [{}] }), asModelsAnswer(null)]).toEqual([null, null]);
    expect([asTrackRecord({ ...track, points: [{ ts_us: 1 }] }), asTrackRecord({ points: [] })]).toEqual([null, null]);
    expect([asContests({ ...contests, points: [{ ts_us: 1, contests: [{}] }] }), asContests([])]).toEqual([null, null]);
  });
});
