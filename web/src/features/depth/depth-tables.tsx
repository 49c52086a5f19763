import { formatFixed, formatMid, formatPercent, formatQty, formatSigned } from "../../lib/format.ts";
import { useFeedState } from "../../stream/context.ts";
import { AMOUNTS_QUOTE, type Cost, type DepthBand } from "../../stream/depth.ts";
import { Value } from "../../ui/value.tsx";
import { qtyUnit, useBook, type BookProps } from "./book-slice.ts";
import { ReadingAge, useIsReadingStale, useReading } from "./reading.tsx";

/** How much lies within distances of the mid, of all levels that the gateway knows. */
export function BandsPanel({ id, instrument }: BookProps) {
  const bands = useReading(id)?.bands ?? [];
  const isStale = useIsReadingStale(id) === true;
  const { isSound } = useBook(id);
  return (
    <section className="panel is-book" aria-label="Depth by distance" data-stale={isStale} data-sound={isSound} data-testid="bands">
      <header className="panel-head">
        <h3>Depth by distance from the mid</h3>
        <small>{qtyUnit(instrument)}; ≥: no level beyond is known</small>
        <ReadingAge id={id} />
      </header>
      {bands.length === 0 ? (
        <p className="muted">No depth is known: no answer yet, or the book lacks a side.</p>
      ) : (
        <table className="grid-table figure">
          <thead>
            <tr><th scope="col">Within</th><th scope="col">Bids</th><th scope="col">Asks</th><th scope="col">Imbalance</th></tr>
          </thead>
          <tbody>{bands.map((band) => <BandRow key={band.bps} band={band} quote={instrument.quote} />)}</tbody>
        </table>
      )}
    </section>
  );
}

function BandRow({ band, quote }: { readonly band: DepthBand; readonly quote: string }) {
  const within = (qty: number, isWhole: boolean): string => `${isWhole ? "" : "≥ "}${formatQty(qty)}`;
  return (
    <tr>
      <th scope="row">{formatFixed(band.bps, 0)} bps</th>
      <td className="is-up" title={`${formatQty(band.bid_quote)} ${quote}`}>{within(band.bid_qty, band.bid_is_whole)}</td>
      <td className="is-down" title={`${formatQty(band.ask_quote)} ${quote}`}>{within(band.ask_qty, band.ask_is_whole)}</td>
      <td><Value text={band.imbalance_frac === null ? null : formatSigned(band.imbalance_frac, 2)} why="Nothing lies within this distance" /></td>
    </tr>
  );
}

/** What market orders of some sizes would get from the levels that the gateway knows. */
export function CostPanel({ id, instrument }: BookProps) {
  const answers = useFeedState((state) => (state.depth?.id === id ? state.depth.answers : null));
  const isStale = useIsReadingStale(id) === true;
  const { isSound } = useBook(id);
  return (
    <section className="panel is-book" aria-label="Cost to trade" data-stale={isStale} data-sound={isSound} data-testid="cost">
      <header className="panel-head">
        <h3>Cost to trade at market</h3>
        <small>average price, and how much worse than the mid; fees apart</small>
        <ReadingAge id={id} />
      </header>
      <table className="grid-table figure">
        <thead>
          <tr><th scope="col">{instrument.quote}</th><th scope="col">Buy at</th><th scope="col">bps</th><th scope="col">Sell at</th><th scope="col">bps</th></tr>
        </thead>
        <tbody>
          {AMOUNTS_QUOTE.map((amount, index) => (
            <tr key={amount}>
              <th scope="row">{formatFixed(amount, 0)}</th>
              <CostCells cost={answers?.[index]?.cost?.buy} amount={amount} tickSize={instrument.tick_size} />
              <CostCells cost={answers?.[index]?.cost?.sell} amount={amount} tickSize={instrument.tick_size} />
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface CostProps {
  readonly cost: Cost | undefined;
  readonly amount: number;
  readonly tickSize: number;
}

function CostCells({ cost, amount, tickSize }: CostProps) {
  const why = cost === undefined ? "The gateway has not answered yet" : "The book holds nothing on this side";
  const isPart = cost !== undefined && cost.unfilled_quote > 0;
  return (
    <>
      <td>
        <Value text={formatMid(cost?.average_price, tickSize)} why={why} />
        {isPart && <small className="warning-text" title="The levels that are known hold no more"> {formatPercent(1 - cost.unfilled_quote / amount)} of it</small>}
      </td>
      <td><Value text={formatFixed(cost?.slippage_bps, 2)} why={why} /></td>
    </>
  );
}
