import type { ChangeEvent } from "react";
import { useFeedState } from "../stream/context.ts";
import { instrumentId, type InstrumentId } from "../stream/protocol.ts";

interface Props {
  readonly id: InstrumentId;
  readonly onSelect: (id: InstrumentId) => void;
}

export function InstrumentChoice({ id, onSelect }: Props) {
  const instruments = useFeedState((state) => state.welcome?.instruments) ?? [];
  const handleChange = (event: ChangeEvent<HTMLSelectElement>): void => { onSelect(event.target.value as InstrumentId); };
  return (
    <select className="choice" aria-label="Instrument" value={id} onChange={handleChange}>
      {instruments.map(({ venue, symbol }) => {
        const each = instrumentId(venue, symbol);
        return <option key={each} value={each}>{symbol} at {venue}</option>;
      })}
    </select>
  );
}
