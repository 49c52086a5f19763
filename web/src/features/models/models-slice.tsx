/** What the feed and REST tell of the models, as parts of several panels. */

import type { ReactNode } from "react";
import { formatAge, formatUtcDay } from "../../lib/format.ts";
import { useFeedState, useSecondsSince, useSlice, useTimedState } from "../../stream/context.ts";
import { watchAgeMs, watchIsStale, type ModelsAnswers, type ModelsData } from "../../stream/models.ts";
import { SYSTEM_ID, type InstrumentId, type InstrumentInfo } from "../../stream/protocol.ts";
import { Value } from "../../ui/value.tsx";

export interface ModelsProps {
  readonly id: InstrumentId;
  readonly instrument: InstrumentInfo;
}

export function useModels(): ModelsData | undefined {
  return useSlice("models", SYSTEM_ID)?.data;
}

/** Null before the first answer about this instrument. */
export function useAnswers(id: InstrumentId): ModelsAnswers | null {
  return useFeedState((state) => (state.models?.id === id ? state.models.told : null));
}

/** Whether what the watch told of contests and drift may not be believed any more. */
export function useWatchIsStale(): boolean {
  return useTimedState(watchIsStale) === true;
}

/** `STALE 40 s`, and what to do, once the watch is silent; before that, nothing. */
export function WatchTag() {
  const isStale = useWatchIsStale();
  const seconds = useTimedState((state, nowMs) => {
    const ageMs = watchAgeMs(state, nowMs);
    return ageMs === null ? null : Math.floor(ageMs / 1_000);
  });
  if (!isStale || seconds === null) return null;
  return (
    <span className="tag stale" title="predictor.watch is silent: foretick logs predictor.watch says why">
      STALE {plainAge(seconds)}
    </span>
  );
}

/** Why there are no answers of REST, where that is known. */
export function FailureTag({ id }: { readonly id: InstrumentId }) {
  const failure = useFeedState((state) => (state.models?.id === id ? state.models.failure : ""));
  return failure === "" ? null : <span className="warning-text" title={failure}>! no answer</span>;
}

/** Day, time and age of an instant of the gateway's clock. */
export function Since({ us, why }: { readonly us: number | null; readonly why: string }) {
  const seconds = useSecondsSince(us);
  if (us === null) return <Value text={null} why={why} />;
  return (
    <>
      {formatUtcDay(us)} {seconds !== null && <small>{plainAge(Math.max(0, seconds))} ago</small>}
    </>
  );
}

/** An age without tenths of a second. */
export function plainAge(seconds: number): string {
  return formatAge(seconds * 10).replace(".0", "");
}

interface FactProps {
  readonly name: string;
  readonly label: string;
  readonly title?: string;
  readonly children: ReactNode;
}

export function Fact({ name, label, title, children }: FactProps) {
  return (
    <div className="fact" data-testid={name} title={title}>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
