import { useFeedState, useIsStale, useSlice } from "../../stream/context.ts";
import type { BooksData, InstrumentId, InstrumentInfo } from "../../stream/protocol.ts";

export interface BookProps {
  readonly id: InstrumentId;
  readonly instrument: InstrumentInfo;
}

export interface BookView {
  readonly book: BooksData | undefined;
  readonly seq: number | null;
  readonly isStale: boolean;
  /** Fresh and LIVE: else nothing of it may be acted upon. */
  readonly isSound: boolean;
}

export function useBook(id: InstrumentId): BookView {
  const slice = useSlice("books", id);
  const isStale = useIsStale("books", id) === true;
  return { book: slice?.data, seq: slice?.seq ?? null, isStale, isSound: slice?.data.trust === "LIVE" && !isStale };
}

/** The price step that shows every price of a pair on any venue. */
export function usePairTick({ base, quote, tick_size: own }: InstrumentInfo): number {
  const instruments = useFeedState((state) => state.welcome?.instruments) ?? [];
  return Math.min(own, ...instruments.filter((one) => one.base === base && one.quote === quote).map(({ tick_size: tick }) => tick));
}

/** What a quantity counts. */
export function qtyUnit({ base, contract_size: size, is_inverse: isInverse }: InstrumentInfo): string {
  return size === 1 && !isInverse ? base : "contracts";
}

/** Why a figure of the book is missing. */
export function whyMissing(book: BooksData | undefined): string {
  return book === undefined ? "The book has not arrived yet" : "One side of the book is empty";
}
