import type { ReactNode } from "react";
import { imbalanceFrac, microprice, midOf, spreadTicks } from "../../lib/book.ts";
import { formatFixed, formatMid, formatSeconds, formatSigned, formatTicks } from "../../lib/format.ts";
import { spreadBps } from "../../lib/numbers.ts";
import { useFeedState } from "../../stream/context.ts";
import type { BooksData, InstrumentId } from "../../stream/protocol.ts";
import { StaleTag } from "../../ui/age.tsx";
import { Value } from "../../ui/value.tsx";
import { useBook, whyMissing, type BookProps } from "./book-slice.ts";
import { ReadingAge, useReading } from "./reading.tsx";

const BPS = 10_000;

/** Spread now and over the last minute, mid, microprice, and to which side the book leans. */
export function SpreadPanel({ id, instrument }: BookProps) {
  const { book, isStale, isSound } = useBook(id);
  const { bids = [], asks = [] } = book ?? {};
  const { tick_size: tickSize } = instrument;
  const why = whyMissing(book);
  const mid = midOf(bids, asks);
  const micro = microprice(bids, asks);
  const bps = spreadBps(bids[0]?.[0] ?? null, asks[0]?.[0] ?? null);
  return (
    <section className="panel is-book" aria-label="Spread" data-stale={isStale} data-sound={isSound} data-testid="spread">
      <header className="panel-head">
        <h3>Spread and balance</h3>
        <small>a tick is {String(tickSize)} {instrument.quote}</small>
        <StaleTag channel="books" id={id} />
      </header>
      <dl className="fact-list figure">
        <Fact name="spread-now" label="Spread now">
          <Value text={formatTicks(spreadTicks(bids, asks, tickSize))} why={why} /> {bps !== null && <>ticks <small>{formatFixed(bps, 2)} bps</small></>}
        </Fact>
        <SpreadStatisticsFacts id={id} book={book} />
        <Fact name="mid" label="Mid"><Value text={formatMid(mid, tickSize)} why={why} /></Fact>
        <Fact name="microprice" label="Microprice">
          <Value text={formatMid(micro, tickSize)} why={why} />{" "}
          {mid !== null && micro !== null && <small>{formatSigned((BPS * (micro - mid)) / mid, 2)} bps to the mid</small>}
        </Fact>
        <Fact name="imbalance-1" label="Imbalance, best level"><Imbalance frac={imbalanceFrac(bids.slice(0, 1), asks.slice(0, 1))} why={why} /></Fact>
        <Fact name="imbalance" label={`Imbalance, ${Math.max(bids.length, asks.length)} levels`}><Imbalance frac={imbalanceFrac(bids, asks)} why={why} /></Fact>
      </dl>
    </section>
  );
}

function SpreadStatisticsFacts({ id, book }: { readonly id: InstrumentId; readonly book: BooksData | undefined }) {
  const reading = useReading(id);
  const failure = useFeedState((state) => (state.depth?.id === id ? state.depth.failure : ""));
  const spread = reading?.spread ?? null;
  const why = reading === null
    ? failure === "" ? "The gateway has not answered yet" : `No answer: ${failure}`
    : `No spread is known without a sound book${book === undefined ? "" : `; this one is ${book.trust}`}`;
  return (
    <>
      <Fact name="spread-mean" label="Mean, weighted by time">
        <Value text={formatFixed(spread?.mean_ticks, 1)} why={why} /> {spread !== null && <>ticks <small>{formatFixed(spread.mean_bps, 2)} bps</small></>}
      </Fact>
      <Fact name="spread-range" label="Lowest to highest">
        <Value text={spread === null ? null : `${formatTicks(spread.lowest_ticks)} – ${formatTicks(spread.highest_ticks)}`} why={why} /> {spread !== null && "ticks"}
      </Fact>
      <Fact name="spread-known" label="Known for">
        <Value text={spread === null ? null : formatSeconds(Math.round(spread.known_s * 10) / 10)} why={why} />{" "}
        <small>{spread !== null && `of the last ${formatSeconds(spread.window_s)}`} <ReadingAge id={id} /></small>
      </Fact>
    </>
  );
}

function Imbalance({ frac, why }: { readonly frac: number | null; readonly why: string }) {
  const side = frac === null || frac === 0 ? "flat" : frac > 0 ? "up" : "down";
  const words = { up: "more bids", down: "more asks", flat: "even" };
  return (
    <span className={`is-${side}`}>
      <Value text={frac === null ? null : formatSigned(frac, 2)} why={why} /> {frac !== null && <small>{words[side]}</small>}
    </span>
  );
}

interface FactProps {
  readonly name: string;
  readonly label: string;
  readonly children: ReactNode;
}

function Fact({ name, label, children }: FactProps) {
  return (
    <div className="fact" data-testid={name}>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
