import type { Ref } from "react";
import { formatAge } from "../../lib/format.ts";
import { useFeedState, useSecondsSince } from "../../stream/context.ts";
import { trustSince } from "../../stream/integrity.ts";
import type { InstrumentId, Trust } from "../../stream/protocol.ts";
import { Age, StaleTag } from "../../ui/age.tsx";
import { OriginTag, TrustBadge } from "../../ui/badges.tsx";
import { InstrumentChoice } from "../../ui/instrument-choice.tsx";
import { overviewHref } from "../../ui/route.ts";
import { Value } from "../../ui/value.tsx";
import { PROOF_WORDS, TRUST_MEANINGS } from "../../ui/words.ts";
import { useBook, type BookProps } from "./book-slice.ts";

interface Props extends BookProps {
  readonly headingRef: Ref<HTMLHeadingElement>;
  readonly onSelect: (id: InstrumentId) => void;
}

/** Which book this is, where it comes from, and whether it may be believed: since when, why not, by what proof. */
export function DepthHead({ id, instrument, headingRef, onSelect }: Props) {
  const { book, isStale, isSound } = useBook(id);
  return (
    <header className="panel depth-head" data-sound={isSound}>
      <div className="panel-head">
        <a className="back-link" href={overviewHref(id)} data-testid="back">← Overview</a>
        <h2 ref={headingRef} tabIndex={-1}>
          {instrument.base}
          <small>{instrument.quote}</small> <span className="muted">market depth</span>
        </h2>
        <OriginTag origin={instrument.origin} />
        {instrument.venue !== instrument.origin && <span className="venue">{instrument.venue}</span>}
        <InstrumentChoice id={id} onSelect={onSelect} />
        <span className="spacer" />
        <span className="facts figure">
          <span title="How lost or wrong updates of this book would show">proven by {PROOF_WORDS[instrument.proof]}</span>
          <span title="The venue's update that the book is as of">
            update <Value text={book?.last_id == null ? null : `#${book.last_id}`} why="The venue numbers none, or no book has arrived" />
          </span>
        </span>
      </div>
      <p className="trust-line" role="status" data-testid="trust-line">
        {book === undefined ? (
          <span className="muted">Waiting for the book.</span>
        ) : (
          <>
            <TrustBadge trust={book.trust} />
            <TrustAge id={id} trust={book.trust} />
            {book.trust !== "LIVE" && (
              <b className="warning-text">
                Not to be acted upon. {TRUST_MEANINGS[book.trust]}{book.reason !== "" && ` Reason: ${book.reason}.`}
              </b>
            )}
            <StaleTag channel="books" id={id} />
            {book.trust === "LIVE" && isStale && <b className="warning-text">Not to be acted upon: nothing comes of this market any more.</b>}
            <small className="figure last-update" aria-hidden="true">last update <Age channel="books" id={id} /> ago</small>
          </>
        )}
      </p>
    </header>
  );
}

/** Since when the book has had its trust, by the gateway's clock. */
function TrustAge({ id, trust }: { readonly id: InstrumentId; readonly trust: Trust }) {
  const since = useFeedState((state) => state.integrity.get(id));
  const found = since === undefined ? null : trustSince(since, trust);
  const seconds = useSecondsSince(found?.us ?? null);
  return (
    <span className="muted figure" aria-hidden="true" data-testid="trust-age">
      for{" "}
      <Value
        text={seconds === null ? null : `${found?.isAtLeast === true ? "at least " : ""}${formatAge(Math.max(0, seconds) * 10).replace(".0", "")}`}
        why="Since when is not known yet: the history of its trust, or the gateway's clock, has not been told"
      />
    </span>
  );
}
