/** What REST told last of this book, as parts of several panels. */

import { formatAge } from "../../lib/format.ts";
import { useFeedState, useTimedState } from "../../stream/context.ts";
import { readingFreshness, type DepthAnswer } from "../../stream/depth.ts";
import type { InstrumentId } from "../../stream/protocol.ts";

/** Null before the first answer about this instrument. */
export function useReading(id: InstrumentId): DepthAnswer | null {
  return useFeedState((state) => (state.depth?.id === id ? (state.depth.answers[0] ?? null) : null));
}

/** Null before the first answer. */
export function useIsReadingStale(id: InstrumentId): boolean | null {
  return useTimedState((state, nowMs) => readingFreshness(state, id, nowMs)?.isStale ?? null);
}

/** How old the answer is, and `STALE` once it says nothing any more; why none comes, where that is known. */
export function ReadingAge({ id }: { readonly id: InstrumentId }) {
  const seconds = useTimedState((state, nowMs) => {
    const ageMs = readingFreshness(state, id, nowMs)?.ageMs;
    return ageMs === undefined ? null : Math.floor(ageMs / 1_000);
  });
  const isStale = useIsReadingStale(id) === true;
  const failure = useFeedState((state) => (state.depth?.id === id ? state.depth.failure : ""));
  return (
    <>
      {isStale && seconds !== null && <span className="tag stale">STALE {formatAge(seconds * 10).replace(".0", "")}</span>}
      {failure !== "" && <span className="warning-text" title={failure}>! no answer</span>}
    </>
  );
}
