/** The models: who serves and why, who is on trial, what has drifted, and how all that went over the last hour. Pure. */

import type { ContestState, DecisionKind, DecisionReason, FeatureDrift, Origin } from "../contracts/bus";
import { hasNumbers, isInteger, isListOfObjects, isMaybe, isMaybeNumber, isObject, type Json } from "./json.ts";
import { ttlOf } from "./staleness.ts";
import { SYSTEM_ID, type CalibrationData, type InstrumentId, type PredictionsData } from "./protocol.ts";
import type { FeedState } from "./state.ts";

export interface DecisionTold {
  readonly kind: DecisionKind;
  readonly reason: DecisionReason;
  readonly detail: string;
  readonly model_id: string | null;
  /** Who serves from it on. */
  readonly champion_id: string | null;
  readonly by: string;
  readonly statistics: Readonly<Record<string, number>>;
  readonly ts_us: number;
}

/** The channel `models`. */
export interface ModelsData {
  /** Of what the watch told of contests and drift when this was sent; null: it has told nothing yet. */
  readonly age_ms: number | null;
  readonly champion_id: string | null;
  readonly trained_us: number | null;
  readonly trained_on: Origin | null;
  readonly horizon_steps: number | null;
  readonly parent_id: string | null;
  readonly trigger: string | null;
  readonly predecessor_id: string | null;
  /** The decision that put the champion in service; null where it lies further back than the trail that is kept. */
  readonly entry: DecisionTold | null;
  readonly decision: DecisionTold | null;
  readonly contests: readonly ContestState[];
  readonly drift_rows: number;
  readonly drift: readonly FeatureDrift[];
  readonly drift_compared: number;
  readonly drift_alarms: number;
  readonly drift_looked_us: number | null;
  readonly loss_nats: number | null;
  readonly loss_stretches: number;
  readonly is_error_drift: boolean;
  readonly training_asked_us: number | null;
  readonly training_due_us: number | null;
  readonly failed_trainings: number;
  readonly faults: readonly string[];
}

/** What REST tells besides: it changes with the model and with each decision alone. */
export interface ModelsAnswer {
  readonly champion_id: string | null;
  /** Newest first. */
  readonly trail: readonly DecisionTold[];
  readonly importance: Readonly<Record<string, number>>;
  readonly metrics: Readonly<Record<string, number>>;
}

/** How a model did on an instrument over its latest outcomes, at an instant of data time. */
export interface TrackPoint {
  readonly ts_us: number;
  readonly model_id: string;
  readonly intervals: number;
  readonly coverage_frac: number | null;
  readonly count: number;
  readonly log_loss: number;
  readonly prior_log_loss: number;
}

/** Oldest first. */
export interface Past<P> {
  /** Why earlier points are missing; empty where none is. */
  readonly reason: string;
  readonly span_s: number;
  readonly step_s: number;
  readonly points: readonly P[];
}

export interface TrackRecord extends Past<TrackPoint> {
  readonly horizon_steps: number | null;
  readonly target_frac: number | null;
}

export interface ContestPoint {
  readonly ts_us: number;
  readonly champion_id: string | null;
  readonly loss_nats: number | null;
  readonly contests: readonly ContestState[];
}

export interface ModelsAnswers {
  readonly answer: ModelsAnswer;
  readonly track: TrackRecord;
  readonly contests: Past<ContestPoint>;
}

/** What REST told last, and what the feed has told since then. */
export interface ModelsReading {
  readonly id: InstrumentId;
  /** Null before the first answer about this instrument. */
  readonly told: ModelsAnswers | null;
  /** Why the last question has no answer; empty when it has. */
  readonly failure: string;
}

const US_PER_S = 1_000_000;
const TRACK_NUMBERS = ["ts_us", "intervals", "count", "log_loss", "prior_log_loss"];
const CONTEST_NUMBERS = ["blocks", "gain_nats", "evidence", "against_evidence", "needed"];
const DRIFT_NUMBERS = ["psi", "psi_limit", "ks", "ks_limit"];

/** Whether data of the channel is what the page computes on. */
export function isModelsData(data: Json): boolean {
  return (
    ["age_ms", "trained_us", "drift_looked_us", "training_due_us", "loss_nats"].every((name) => isMaybeNumber(data[name])) &&
    ["drift_rows", "drift_compared", "drift_alarms", "loss_stretches", "failed_trainings"].every((name) => isInteger(data[name])) &&
    ["entry", "decision"].every((name) => isMaybe(data[name], isDecision)) &&
    isListWith(data["contests"], CONTEST_NUMBERS) &&
    isListWith(data["drift"], DRIFT_NUMBERS) &&
    Array.isArray(data["faults"])
  );
}

export function asModelsAnswer(value: unknown): ModelsAnswer | null {
  if (!isObject(value) || !isObject(value["importance"]) || !isObject(value["metrics"])) return null;
  const { trail } = value;
  return Array.isArray(trail) && trail.every(isDecision) ? (value as unknown as ModelsAnswer) : null;
}

export function asTrackRecord(value: unknown): TrackRecord | null {
  return isPast(value) && isListWith(value["points"], TRACK_NUMBERS) ? (value as unknown as TrackRecord) : null;
}

export function asContests(value: unknown): Past<ContestPoint> | null {
  if (!isPast(value) || !isListWith(value["points"], ["ts_us"])) return null;
  const points = value["points"] as Json[];
  return points.every((point) => isListWith(point["contests"], CONTEST_NUMBERS)) ? (value as unknown as Past<ContestPoint>) : null;
}

function isPast(value: unknown): value is Json {
  return hasNumbers(value, ["span_s", "step_s"]) && isListOfObjects((value as Json)["points"]);
}

function isListWith(value: unknown, names: readonly string[]): boolean {
  return Array.isArray(value) && value.every((one) => hasNumbers(one, names));
}

function isDecision(value: unknown): boolean {
  return isObject(value) && isInteger(value["ts_us"]) && ["kind", "reason", "detail", "by"].every((name) => typeof value[name] === "string") && isObject(value["statistics"]);
}

/** An answer takes the place of what was held; what the feed told after its last point stays. */
export function takeAnswers(held: ModelsReading | null, id: InstrumentId, told: ModelsAnswers): ModelsReading {
  const before = held?.id === id ? held.told : null;
  return {
    id,
    failure: "",
    told: {
      answer: told.answer,
      track: { ...told.track, points: joinPoints(told.track.points, before?.track.points ?? []) },
      contests: { ...told.contests, points: joinPoints(told.contests.points, held?.told?.contests.points ?? []) },
    },
  };
}

/** What was held of this instrument stays, with the reason why it is not renewed. */
export function missAnswers(held: ModelsReading | null, id: InstrumentId, reason: string): ModelsReading {
  return { id, told: held?.id === id ? held.told : null, failure: reason };
}

/** The contests go on with each word of the watch. */
export function addContests(held: ModelsReading | null, data: ModelsData, tsUs: number): ModelsReading | null {
  if (held?.told == null || data.age_ms !== 0) return held; // a decision repeats what the watch said before
  const { contests } = held.told;
  const { champion_id, loss_nats } = data;
  const points = addPoint(contests, { ts_us: tsUs, champion_id, loss_nats, contests: data.contests });
  return { ...held, told: { ...held.told, contests: { ...contests, points } } };
}

/** The track record goes on with each word on calibration, as far as the latest prediction of that model tells it. */
export function addTrack(
  held: ModelsReading | null, id: InstrumentId, calibration: CalibrationData, prediction: PredictionsData | undefined,
): ModelsReading | null {
  const { score, coverage } = prediction ?? {};
  if (held?.told == null || held.id !== id || score == null || prediction?.model_id !== calibration.model_id) return held;
  const { track } = held.told;
  const { count, log_loss, prior_log_loss } = score;
  const points = addPoint(track, {
    ts_us: calibration.ts_recv_us, model_id: calibration.model_id, intervals: coverage?.count ?? 0, coverage_frac: coverage?.coverage_frac ?? null,
    count, log_loss, prior_log_loss,
  });
  const { horizon_steps } = prediction;
  return { ...held, told: { ...held.told, track: { ...track, points, horizon_steps, target_frac: calibration.target_frac } } };
}

type Timed = TrackPoint | ContestPoint;

/** Points are a step apart; the newest moves on until a step lies behind it. Those older than the span fall out. */
function addPoint<P extends Timed>({ points, span_s, step_s }: Past<P>, point: P): readonly P[] {
  const [before, last] = [points.at(-2), points.at(-1)];
  if (last !== undefined && point.ts_us <= last.ts_us) return points;
  const isLastDue = before === undefined || last === undefined || last.ts_us - before.ts_us >= step_s * US_PER_S;
  const kept = isLastDue ? points : points.slice(0, -1);
  return [...kept.filter(({ ts_us: tsUs }) => tsUs > point.ts_us - span_s * US_PER_S), point];
}

function joinPoints<P extends Timed>(told: readonly P[], held: readonly P[]): readonly P[] {
  const lastUs = told.at(-1)?.ts_us ?? -Infinity;
  return [...told, ...held.filter(({ ts_us: tsUs }) => tsUs > lastUs)];
}

/** Age of what the watch told of contests and drift; null while it told nothing. */
export function watchAgeMs(state: FeedState, nowMs: number): number | null {
  const slice = state.slices.models.get(SYSTEM_ID);
  const ageMs = slice?.data.age_ms ?? null;
  return slice === undefined || ageMs === null ? null : ageMs + Math.max(0, nowMs - slice.arrivedAtMs);
}

/** Null while the watch told nothing. */
export function watchIsStale(state: FeedState, nowMs: number): boolean | null {
  const ageMs = watchAgeMs(state, nowMs);
  const ttlMs = ttlOf(state.welcome?.channels ?? [], "models");
  return ageMs === null ? null : ttlMs !== null && ageMs > ttlMs;
}
