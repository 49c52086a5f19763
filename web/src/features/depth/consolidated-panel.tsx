import { formatAge, formatFixed, formatMid, formatPrice, formatQty, formatSigned } from "../../lib/format.ts";
import { useFeedState, useIsStale, useSlice } from "../../stream/context.ts";
import { pairId, type ConsolidatedData, type InstrumentInfo, type VenueQuote } from "../../stream/protocol.ts";
import { StaleTag } from "../../ui/age.tsx";
import { OriginTag, TrustBadge } from "../../ui/badges.tsx";
import { Value } from "../../ui/value.tsx";
import { usePairTick } from "./book-slice.ts";

/** The best bid and ask over all venues of the pair: who is where, who does not count, who is the odd one out. */
export function ConsolidatedPanel({ instrument }: { readonly instrument: InstrumentInfo }) {
  const pair = pairId(instrument);
  const quote = useSlice("consolidated", pair)?.data;
  const isStale = useIsStale("consolidated", pair) === true;
  const tickSize = usePairTick(instrument);
  return (
    <section className="panel consolidated" aria-label="All venues" data-stale={isStale} data-testid="consolidated">
      <header className="panel-head">
        <h3>All venues</h3>
        <small>{instrument.base}-{instrument.quote}</small>
        {quote !== undefined && quote.origin !== "live" && <OriginTag origin={quote.origin} isShort />}
        {quote?.is_crossed === true && <span className="tag warning" title="The best bid is at or above the best ask: venues disagree by more than a spread">! CROSSED</span>}
        <StaleTag channel="consolidated" id={pair} />
      </header>
      {quote === undefined ? <NoQuote instrument={instrument} /> : <Quote quote={quote} tickSize={tickSize} />}
    </section>
  );
}

function NoQuote({ instrument }: { readonly instrument: InstrumentInfo }) {
  const instruments = useFeedState((state) => state.welcome?.instruments) ?? [];
  const venues = new Set(instruments.filter(({ base, quote }) => base === instrument.base && quote === instrument.quote).map(({ venue }) => venue));
  return (
    <p className="muted">
      {venues.size < 2
        ? `Only ${[...venues][0] ?? "one venue"} quotes this pair here: a consolidated quote takes two venues.`
        : "No consolidated quote has come yet."}
    </p>
  );
}

interface QuoteProps {
  readonly quote: ConsolidatedData;
  readonly tickSize: number;
}

const NO_VENUE = "No venue counts: none is LIVE, fresh and in line with the others";

function Quote({ quote, tickSize }: QuoteProps) {
  return (
    <>
      <dl className="best figure">
        <Best label="Best bid" side="up" price={quote.bid} qty={quote.bid_qty} venue={quote.bid_venue} tickSize={tickSize} />
        <Best label="Best ask" side="down" price={quote.ask} qty={quote.ask_qty} venue={quote.ask_venue} tickSize={tickSize} />
        <div>
          <dt title="What buying at the lowest and selling at the highest price would bring, the takers' fees paid">Edge after fees</dt>
          <dd><b><Value text={formatSigned(quote.net_edge_bps, 1)} why="The fees of a venue, or a side, are not known" /></b> bps</dd>
        </div>
      </dl>
      <table className="grid-table figure">
        <thead>
          <tr><th scope="col">Venue</th><th scope="col">Bid</th><th scope="col">Ask</th><th scope="col">To others, bps</th><th scope="col">Age</th></tr>
        </thead>
        <tbody>
          {quote.venues.map((one) => (
            <VenueRow key={`${one.venue} ${one.symbol}`} one={one} isBid={one.venue === quote.bid_venue} isAsk={one.venue === quote.ask_venue} tickSize={tickSize} />
          ))}
        </tbody>
      </table>
    </>
  );
}

interface BestProps {
  readonly label: string;
  readonly side: "up" | "down";
  readonly price: number | null;
  readonly qty: number | null;
  readonly venue: string | null;
  readonly tickSize: number;
}

function Best({ label, side, price, qty, venue, tickSize }: BestProps) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        <b className={`is-${side}`}><Value text={formatPrice(price, tickSize)} why={NO_VENUE} /></b>{" "}
        {venue !== null && <small>{formatQty(qty)} at {venue}</small>}
      </dd>
    </div>
  );
}

interface VenueRowProps {
  readonly one: VenueQuote;
  readonly isBid: boolean;
  readonly isAsk: boolean;
  readonly tickSize: number;
}

function VenueRow({ one, isBid, isAsk, tickSize }: VenueRowProps) {
  const isOutlier = one.is_outlier === true;
  return (
    <tr data-testid={`quote-${one.venue}`} data-used={one.is_used} data-outlier={isOutlier}>
      <th scope="row">
        {one.venue} <TrustBadge trust={one.trust} />{" "}
        {isOutlier && <span className="tag warning" title="Its mid differs from the others by more than fees, spreads and latency explain: it does not count">! odd one out</span>}
        {!one.is_used && !isOutlier && <span className="tag" title="Its book is not LIVE, or it is old">does not count</span>}
      </th>
      <td className={isBid ? "is-best is-up" : ""}>{isBid && <i title="Best bid">▲ </i>}<Value text={formatPrice(one.bid, tickSize)} why="This side is empty" /></td>
      <td className={isAsk ? "is-best is-down" : ""}>{isAsk && <i title="Best ask">▼ </i>}<Value text={formatPrice(one.ask, tickSize)} why="This side is empty" /></td>
      <td title={`Mid ${formatMid(midOfQuote(one), tickSize)}`}><Value text={formatDeviation(one.deviation_bps)} why="There is no other venue to compare with" /></td>
      <td>{formatAge(Math.floor(one.age_ms / 100))}</td>
    </tr>
  );
}

function midOfQuote({ bid, ask }: VenueQuote): number | null {
  return bid === null || ask === null ? null : (bid + ask) / 2;
}

function formatDeviation(bps: number | null | undefined): string | null {
  return bps === null || bps === undefined ? null : Math.abs(bps) >= 100 ? formatFixed(bps, 0) : formatSigned(bps, 2);
}
