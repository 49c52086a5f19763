import { cumulate } from "../../lib/book.ts";
import { formatPrice, formatQty } from "../../lib/format.ts";
import type { BooksData, Level } from "../../stream/protocol.ts";
import { StaleTag } from "../../ui/age.tsx";
import { qtyUnit, useBook, type BookProps } from "./book-slice.ts";

const LEVELS = 20;

/** The best levels of each side with their own quantity and with all that lies before them; bars by the sums. */
export function DepthLadder({ id, instrument }: BookProps) {
  const { book, seq, isStale, isSound } = useBook(id);
  return (
    <section className="panel is-book" aria-label="Order book" data-stale={isStale} data-sound={isSound} data-testid="depth-ladder" data-seq={seq ?? ""}>
      <header className="panel-head">
        <h3>Order book</h3>
        <small>quantities in {qtyUnit(instrument)}</small>
        <StaleTag channel="books" id={id} />
      </header>
      {book === undefined ? <p className="muted">Waiting for the book.</p> : <Levels book={book} tickSize={instrument.tick_size} />}
    </section>
  );
}

function Levels({ book, tickSize }: { readonly book: BooksData; readonly tickSize: number }) {
  const [bidSums, askSums] = [cumulate(book.bids), cumulate(book.asks)];
  const largest = Math.max(bidSums.at(-1) ?? 0, askSums.at(-1) ?? 0, Number.MIN_VALUE);
  const rows = Math.min(LEVELS, Math.max(book.bids.length, book.asks.length));
  return (
    <table className="ladder depth-ladder figure">
      <thead>
        <tr>
          <th scope="col">Sum</th>
          <th scope="col">Bid size</th>
          <th scope="col">Bid</th>
          <th scope="col">Ask</th>
          <th scope="col">Ask size</th>
          <th scope="col">Sum</th>
        </tr>
      </thead>
      <tbody>
        {Array.from({ length: rows }, (_, row) => (
          <tr key={row}>
            <Bid level={book.bids[row]} sum={bidSums[row]} largest={largest} tickSize={tickSize} />
            <Ask level={book.asks[row]} sum={askSums[row]} largest={largest} tickSize={tickSize} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface SideProps {
  readonly level: Level | undefined;
  readonly sum: number | undefined;
  readonly largest: number;
  readonly tickSize: number;
}

function Bid({ level, sum, largest, tickSize }: SideProps) {
  return (
    <>
      <td className="qty is-bid" style={{ "--share": shareOf(sum, largest) }}>{formatQty(sum)}</td>
      <td className="size">{formatQty(level?.[1])}</td>
      <td className="level is-bid">{formatPrice(level?.[0], tickSize)}</td>
    </>
  );
}

function Ask({ level, sum, largest, tickSize }: SideProps) {
  return (
    <>
      <td className="level is-ask">{formatPrice(level?.[0], tickSize)}</td>
      <td className="size">{formatQty(level?.[1])}</td>
      <td className="qty is-ask" style={{ "--share": shareOf(sum, largest) }}>{formatQty(sum)}</td>
    </>
  );
}

function shareOf(sum: number | undefined, largest: number): string {
  return `${((100 * (sum ?? 0)) / largest).toFixed(1)}%`;
}
