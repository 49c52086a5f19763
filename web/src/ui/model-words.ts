/** What was decided over models, and why, in words. */

import type { DecisionKind, DecisionReason } from "../contracts/bus";

export const DECISION_LABELS: Readonly<Record<DecisionKind, string>> = {
  promoted: "promoted",
  rolled_back: "rolled back",
  refused: "refused",
  training_asked: "training asked for",
};

export const DECISION_GLYPHS: Readonly<Record<DecisionKind, string>> = { promoted: "▲", rolled_back: "↶", refused: "⨯", training_asked: "◷" };

export const REASON_WORDS: Readonly<Record<DecisionReason, string>> = {
  no_champion: "nobody who fits was in service",
  better: "proven better in its trial",
  worse: "proven worse than the one before it",
  not_better: "not proven better in its trial",
  outnumbered: "newer ones took its place on trial",
  unfit: "it cannot be loaded here",
  not_served: "nobody predicted with it",
  operator: "a person said so",
  age: "the newest model was old enough",
  feature_drift: "features have drifted",
  error_drift: "the error has risen",
};

/** Why a model was trained; it may be a reason that this page does not know. */
export function triggerWords(trigger: string): string {
  return (REASON_WORDS as Readonly<Record<string, string>>)[trigger] ?? trigger;
}
