/** What is told of models, for tests: sound by default, with what matters to a test given. */

import type { ContestState, FeatureDrift } from "../contracts/bus";
import type { DecisionTold, ModelsAnswer, ModelsAnswers, ModelsData, TrackPoint, TrackRecord } from "../stream/models.ts";
import { T0_US } from "./builders.ts";

/** The first model came into service ten seconds before `T0_US`. */
export function decisionTold(changes: Partial<DecisionTold> = {}): DecisionTold {
  return {
    kind: "promoted", reason: "no_champion", detail: "no model that fits was in service", model_id: "ensemble-1", champion_id: "ensemble-1",
    by: "predictor.watch-0", statistics: {}, ts_us: T0_US - 10_000_000, ...changes,
  };
}

/** A challenger that has a fifth of the wealth that it needs. */
export function contest(changes: Partial<ContestState> = {}): ContestState {
  return {
    model_id: "ensemble-2", is_predecessor: false, blocks: 120, gain_nats: 0.0012, evidence: 4, against_evidence: 0.25, needed: 20, disputed_frac: 0,
    blocks_most: 14_400, ...changes,
  };
}

export function featureDrift(changes: Partial<FeatureDrift> = {}): FeatureDrift {
  return { name: "ret_1", psi: 0.1, psi_limit: 0.25, ks: 0.05, ks_limit: 0.2, is_alarm: false, ...changes };
}

/** One model serves, nobody is on trial, and drift has not been looked at yet. */
export function models(changes: Partial<ModelsData> = {}): ModelsData {
  return {
    age_ms: 0, champion_id: "ensemble-1", trained_us: T0_US - 20_000_000, trained_on: "sim", horizon_steps: 5, parent_id: "", trigger: "age",
    predecessor_id: null, entry: decisionTold(), decision: decisionTold(), contests: [], drift_rows: 0, drift: [], drift_compared: 0, drift_alarms: 0,
    drift_looked_us: null, loss_nats: null, loss_stretches: 0, is_error_drift: false, training_asked_us: null, training_due_us: T0_US + 600_000_000,
    failed_trainings: 0, faults: [], ...changes,
  };
}

export function trackPoint(seconds: number, changes: Partial<TrackPoint> = {}): TrackPoint {
  return {
    ts_us: T0_US + seconds * 1_000_000, model_id: "ensemble-1", intervals: 2_000, coverage_frac: 0.9, count: 2_100, log_loss: 0.94, prior_log_loss: 1.04,
    ...changes,
  };
}

interface AnswerChanges {
  readonly answer?: Partial<ModelsAnswer>;
  readonly track?: Partial<TrackRecord>;
  readonly contests?: Partial<ModelsAnswers["contests"]>;
}

/** What REST tells of `models()` with three points a minute and a half long. */
export function modelsAnswers({ answer, track, contests }: AnswerChanges = {}): ModelsAnswers {
  const past = { reason: "", span_s: 3_600, step_s: 30 };
  return {
    answer: {
      champion_id: "ensemble-1", trail: [decisionTold()], importance: { ret_1: 0.01, imb_1: 0.04 },
      metrics: { log_loss_nats: 0.9375, prior_log_loss_nats: 1.0447, ece_frac: 0.0164, brier: 0.558, importance_rank_correlation: 0.996 }, ...answer,
    },
    track: { ...past, horizon_steps: 5, target_frac: 0.9, points: [trackPoint(-60), trackPoint(-30), trackPoint(0)], ...track },
    contests: { ...past, points: [], ...contests },
  };
}
