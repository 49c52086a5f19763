import { useCallback, useEffect, useState } from "react";
import { useFeed, useFeedState } from "../stream/context.ts";
import { instrumentId, type InstrumentId } from "../stream/protocol.ts";
import { hrefOf, parseRoute, type View } from "../ui/route.ts";

const FOLLOW_AFTER_MS = 60;

export interface Selection {
  /** From the address when that names one, else the first; null while none is listed. */
  readonly selected: InstrumentId | null;
  /** What of it is looked at. */
  readonly view: View;
  /** Look at another one in the same view. */
  readonly select: (id: InstrumentId) => void;
  /** To a view of the selected one, or from there back to the board. */
  readonly toggle: (view: View) => void;
}

/** The instrument that is looked at, and how. Its book and features are followed. The address says both, so that the browser's way back works. */
export function useSelection(): Selection {
  const { client } = useFeed();
  const [route, setRoute] = useState(() => parseRoute(window.location.hash));
  const instruments = useFeedState((state) => state.welcome?.instruments);
  const ids = (instruments ?? []).map(({ venue, symbol }) => instrumentId(venue, symbol));
  const selected = ids.find((id) => id === route.id) ?? ids[0] ?? null;
  useEffect(() => {
    const follow = (): void => { setRoute(parseRoute(window.location.hash)); };
    window.addEventListener("hashchange", follow);
    return () => { window.removeEventListener("hashchange", follow); };
  }, []);
  useEffect(() => {
    // A held arrow key passes over instruments that nobody looks at.
    const timer = setTimeout(() => { client.select(selected); }, FOLLOW_AFTER_MS);
    return () => { clearTimeout(timer); };
  }, [client, selected]);
  const { view } = route;
  const select = useCallback((id: InstrumentId) => {
    window.history.replaceState(null, "", hrefOf(view, id));
    setRoute({ id, view });
  }, [view]);
  const toggle = (wanted: View): void => {
    if (selected !== null) window.location.hash = hrefOf(view === wanted ? "board" : wanted, selected);
  };
  return { selected, view, select, toggle };
}
