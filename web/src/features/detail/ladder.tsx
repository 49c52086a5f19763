import { formatFixed, formatPrice, formatQty } from "../../lib/format.ts";
import { spreadBps } from "../../lib/numbers.ts";
import { useIsStale, useSlice } from "../../stream/context.ts";
import type { BooksData, InstrumentId, InstrumentInfo, Level } from "../../stream/protocol.ts";
import { StaleTag } from "../../ui/age.tsx";
import { TrustBadge } from "../../ui/badges.tsx";
import { DepthLink } from "../../ui/depth-link.tsx";

const DEPTH = 10;

interface Props {
  readonly id: InstrumentId;
  readonly instrument: InstrumentInfo;
}

/** The ten best levels of each side, best in the first row, with bars by quantity. */
export function Ladder({ id, instrument }: Props) {
  const book = useSlice("books", id)?.data;
  const isStale = useIsStale("books", id) === true;
  const spread = spreadBps(book?.bids[0]?.[0] ?? null, book?.asks[0]?.[0] ?? null);
  return (
    <section className="panel ladder-panel" aria-label="Order book" data-stale={isStale} data-testid="ladder">
      <header className="panel-head">
        <h3>Order book</h3>
        {book !== undefined && <TrustBadge trust={book.trust} />}
        {book !== undefined && book.reason !== "" && <span className="muted reason">{book.reason}</span>}
        <StaleTag channel="books" id={id} />
        <span className="spacer" />
        <span className="facts figure">spread {formatFixed(spread, 2)} bps</span>
        <DepthLink id={id} symbol={instrument.symbol} />
      </header>
      {book === undefined ? <p className="muted">Waiting for the book.</p> : <Levels book={book} instrument={instrument} />}
    </section>
  );
}

function Levels({ book, instrument }: { readonly book: BooksData; readonly instrument: InstrumentInfo }) {
  const bids = book.bids.slice(0, DEPTH);
  const asks = book.asks.slice(0, DEPTH);
  const largest = Math.max(...bids.map(([, qty]) => qty), ...asks.map(([, qty]) => qty), Number.MIN_VALUE);
  return (
    <table className="ladder figure">
      <thead>
        <tr>
          <th scope="col">Bid {instrument.base}</th>
          <th scope="col">Bid</th>
          <th scope="col">Ask</th>
          <th scope="col">Ask {instrument.base}</th>
        </tr>
      </thead>
      <tbody>
        {Array.from({ length: DEPTH }, (_, row) => (
          <tr key={row}>
            <Side level={bids[row]} largest={largest} side="bid" tickSize={instrument.tick_size} />
            <Side level={asks[row]} largest={largest} side="ask" tickSize={instrument.tick_size} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface SideProps {
  readonly level: Level | undefined;
  readonly largest: number;
  readonly side: "bid" | "ask";
  readonly tickSize: number;
}

function Side({ level, largest, side, tickSize }: SideProps) {
  const share = level === undefined ? 0 : (100 * level[1]) / largest;
  const qty = (
    <td className={`qty is-${side}`} style={{ "--share": `${share.toFixed(1)}%` }}>{formatQty(level?.[1])}</td>
  );
  const price = <td className={`level is-${side}`}>{formatPrice(level?.[0], tickSize)}</td>;
  return side === "bid" ? <>{qty}{price}</> : <>{price}{qty}</>;
}
