import { useEffect, useRef, type KeyboardEvent } from "react";
import { useFeedState } from "../../stream/context.ts";
import { instrumentId, type InstrumentId, type InstrumentInfo } from "../../stream/protocol.ts";
import { ErrorBoundary } from "../../ui/error-boundary.tsx";
import { NARROW } from "../../ui/layout.ts";
import { BoardRow } from "./board-row.tsx";
import { EmptyBoard } from "./empty-board.tsx";

interface Props {
  readonly selected: InstrumentId | null;
  readonly onSelect: (id: InstrumentId) => void;
  /** The user wants to go on to the details. */
  readonly onOpen: () => void;
}

const COLUMNS = ["Instrument", "Price", "Last 5 minutes", "Bid / ask", "Prediction  down · flat · up", "Expected", "Age"];

/** Every instrument with its price and its prediction. One row is in the tab order; arrow keys move on. */
export function Board({ selected, onSelect, onOpen }: Props) {
  const instruments = useFeedState((state) => state.welcome?.instruments);
  const ref = useRef<HTMLDivElement>(null);
  const hasFocusMoved = useRef(false);
  useEffect(() => {
    if (!hasFocusMoved.current) return;
    hasFocusMoved.current = false;
    ref.current?.querySelector<HTMLElement>('[aria-selected="true"]')?.focus();
  }, [selected]);
  if (instruments === undefined || instruments.length === 0) return <EmptyBoard />;

  const handleKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") {
      if (event.target instanceof HTMLElement && event.target.closest("a") !== null) return;
      event.preventDefault();
      onOpen();
      return;
    }
    const next = neighbour(instruments, selected, event.key);
    if (next === null) return;
    event.preventDefault();
    hasFocusMoved.current = true;
    onSelect(next);
  };

  const handleClick = (id: InstrumentId): void => {
    onSelect(id);
    if (window.matchMedia(NARROW).matches) onOpen();
  };

  return (
    <section className="panel board" aria-label="Live overview" id="board">
      <div className="grid" role="grid" tabIndex={-1} aria-label="Instruments" aria-rowcount={instruments.length + 1} ref={ref} onKeyDown={handleKey}>
        <div className="board-head" role="row">
          {COLUMNS.map((title) => (
            <span key={title} role="columnheader">{title}</span>
          ))}
        </div>
        {instruments.map((instrument) => {
          const id = instrumentId(instrument.venue, instrument.symbol);
          return (
            <ErrorBoundary key={id} name={id}>
              <BoardRow instrument={instrument} id={id} isSelected={id === selected} onSelect={handleClick} />
            </ErrorBoundary>
          );
        })}
      </div>
    </section>
  );
}

/** The instrument that `key` leads to; null when the key means nothing here. */
export function neighbour(instruments: readonly InstrumentInfo[], selected: InstrumentId | null, key: string): InstrumentId | null {
  const ids = instruments.map(({ venue, symbol }) => instrumentId(venue, symbol));
  const at = selected === null ? -1 : ids.indexOf(selected);
  const last = ids.length - 1;
  const targets: Readonly<Record<string, number>> = {
    ArrowDown: Math.min(last, at + 1), j: Math.min(last, at + 1),
    ArrowUp: Math.max(0, at - 1), k: Math.max(0, at - 1),
    Home: 0, End: last,
  };
  const target = targets[key];
  return target === undefined ? null : (ids[target] ?? null);
}
