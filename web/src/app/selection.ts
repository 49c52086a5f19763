import { useEffect, useState } from "react";
import { useFeed, useFeedState } from "../stream/context.ts";
import { instrumentId, type InstrumentId } from "../stream/protocol.ts";

const FOLLOW_AFTER_MS = 60;

/** The instrument that is looked at: from the address when that names one, else the first. Its book and features are followed. */
export function useSelection(): [InstrumentId | null, (id: InstrumentId) => void] {
  const { client } = useFeed();
  const [wanted, setWanted] = useState(() => decodeURIComponent(window.location.hash.slice(1)));
  const instruments = useFeedState((state) => state.welcome?.instruments);
  const ids = (instruments ?? []).map(({ venue, symbol }) => instrumentId(venue, symbol));
  const selected = ids.find((id) => id === wanted) ?? ids[0] ?? null;
  useEffect(() => {
    // A held arrow key passes over instruments that nobody looks at.
    const timer = setTimeout(() => { client.select(selected); }, FOLLOW_AFTER_MS);
    return () => { clearTimeout(timer); };
  }, [client, selected]);
  const select = (id: InstrumentId): void => {
    setWanted(id);
    window.history.replaceState(null, "", `#${id}`);
  };
  return [selected, select];
}
