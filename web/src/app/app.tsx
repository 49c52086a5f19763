import { lazy, Suspense, useCallback, useEffect, useRef, useState, type Ref } from "react";
import { DepthView } from "../features/depth/depth-view.tsx";
import { DetailPanel } from "../features/detail/detail-panel.tsx";
import { FeatureTable } from "../features/detail/feature-table.tsx";
import { Board } from "../features/overview/board.tsx";
import { CorrelationsPanel } from "../features/system/correlations-panel.tsx";
import { Footer } from "../features/system/footer.tsx";
import { ProblemBanner } from "../features/system/problem-banner.tsx";
import { SystemStrip, type PanelToggle } from "../features/system/system-strip.tsx";
import { TopBar } from "../features/system/top-bar.tsx";
import { VenuesPanel } from "../features/system/venues-panel.tsx";
import { WaterfallPanel } from "../features/system/waterfall-panel.tsx";
import { useFeed, useFeedState } from "../stream/context.ts";
import type { InstrumentId } from "../stream/protocol.ts";
import { sourcesOf } from "../stream/selectors.ts";
import { findInstrument } from "../stream/subscriptions.ts";
import { ErrorBoundary } from "../ui/error-boundary.tsx";
import { NARROW } from "../ui/layout.ts";
import type { View } from "../ui/route.ts";
import { ORIGIN_LABELS } from "../ui/words.ts";
import { useSelection } from "./selection.ts";
import { ShortcutsDialog } from "./shortcuts-dialog.tsx";

/** Fetched when it is first looked at: the first prediction is on the screen sooner without it. */
const ModelsView = lazy(async () => ({ default: (await import("../features/models/models-view.tsx")).ModelsView }));

type Panel = "waterfall" | "venues" | "correlations";

export function App() {
  const { client } = useFeed();
  const { selected, view, select, toggle } = useSelection();
  const leave = (): void => { toggle(view); };
  const [isHelpOpen, setIsHelpOpen] = useState(false);
  const panels = usePanels();
  const detailHeading = useRef<HTMLHeadingElement>(null);
  const origins = useOrigins();
  const goToDetail = useCallback(() => {
    detailHeading.current?.focus({ preventScroll: true });
    detailHeading.current?.closest("section")?.scrollIntoView({ block: window.matchMedia(NARROW).matches ? "start" : "nearest" });
  }, []);
  useReturnToBoard(view);
  useShortcuts({
    "?": () => { setIsHelpOpen(true); },
    b: goToBoard,
    d: goToDetail,
    l: panels.waterfall.onToggle,
    v: panels.venues.onToggle,
    c: panels.correlations.onToggle,
    m: () => { toggle("depth"); },
    e: () => { toggle("models"); },
    ...(view !== "board" && { Escape: leave }),
    ...(panels.open !== null && { Escape: panels.close }),
    r: () => { client.retryNow(); },
  });
  return (
    <div className="app" data-origin={origins}>
      <a className="skip-link" href="#board" onClick={(event) => { event.preventDefault(); goToBoard(); }}>
        Skip to the instruments
      </a>
      <TopBar view={view} selected={selected} onHelp={() => { setIsHelpOpen(true); }} />
      <ProblemBanner />
      <main className="main">
        <ErrorBoundary name="System"><SystemStrip latency={panels.waterfall} venues={panels.venues} correlations={panels.correlations} /></ErrorBoundary>
        {panels.open === "waterfall" && <ErrorBoundary name="Latency"><WaterfallPanel id="waterfall" onClose={panels.close} /></ErrorBoundary>}
        {panels.open === "venues" && <ErrorBoundary name="Venues"><VenuesPanel id="venues" onClose={panels.close} /></ErrorBoundary>}
        {panels.open === "correlations" && <ErrorBoundary name="Correlations"><CorrelationsPanel id="correlations" onClose={panels.close} /></ErrorBoundary>}
        <LookedAt selected={selected} view={view} onSelect={select} onOpen={goToDetail} headingRef={detailHeading} />
      </main>
      <Footer />
      <ShortcutsDialog isOpen={isHelpOpen} onClose={() => { setIsHelpOpen(false); }} />
    </div>
  );
}

interface LookedAtProps {
  readonly selected: InstrumentId | null;
  readonly view: View;
  readonly onSelect: (id: InstrumentId) => void;
  readonly onOpen: () => void;
  readonly headingRef: Ref<HTMLHeadingElement>;
}

/** One instrument in the view that the address names; the board while none is listed. */
function LookedAt({ selected, view, onSelect, onOpen, headingRef }: LookedAtProps) {
  const instrument = useFeedState((state) => findInstrument(state, selected));
  if (view !== "board" && selected !== null && instrument !== undefined) {
    const props = { id: selected, instrument, onSelect };
    return view === "depth"
      ? <ErrorBoundary name="Market depth"><DepthView {...props} /></ErrorBoundary>
      : <ErrorBoundary name="Model"><Suspense fallback={<p className="panel notice">The model view is on its way.</p>}><ModelsView {...props} /></Suspense></ErrorBoundary>;
  }
  return (
    <div className="columns">
      <ErrorBoundary name="Overview"><Board selected={selected} onSelect={onSelect} onOpen={onOpen} /></ErrorBoundary>
      {selected !== null && <DetailPanel id={selected} headingRef={headingRef} onBack={goToBoard} />}
      {selected !== null && <ErrorBoundary name="Features"><FeatureTable id={selected} /></ErrorBoundary>}
    </div>
  );
}

/** Who comes back from another view of an instrument goes on at its row. */
function useReturnToBoard(view: View): void {
  const before = useRef(view);
  useEffect(() => {
    if (before.current !== "board" && view === "board") goToBoard();
    before.current = view;
  }, [view]);
}

interface Panels extends Readonly<Record<Panel, PanelToggle>> {
  readonly open: Panel | null;
  /** The focus goes back to where it was opened. */
  readonly close: () => void;
}

/** What the tiles of the system strip open: one at a time. */
function usePanels(): Panels {
  const [open, setOpen] = useState<Panel | null>(null);
  const toggle = (id: Panel): PanelToggle => ({
    id,
    isOpen: open === id,
    onToggle: () => { setOpen((held) => (held === id ? null : id)); },
  });
  const close = (): void => {
    setOpen(null);
    document.querySelector<HTMLElement>(`[aria-controls="${open ?? ""}"]`)?.focus();
  };
  return { open, close, waterfall: toggle("waterfall"), venues: toggle("venues"), correlations: toggle("correlations") };
}

/** To the row that is in the tab order. */
function goToBoard(): void {
  document.querySelector<HTMLElement>('#board [aria-selected="true"]')?.focus();
}

/** The kinds of data on the page, also told in the window's title. */
function useOrigins(): string {
  const sources = sourcesOf(useFeedState((state) => state.welcome));
  const origins = [...new Set(sources.map(({ origin }) => origin))];
  const title = origins.map((origin) => ORIGIN_LABELS[origin]).join(" + ");
  useEffect(() => {
    document.title = title === "" ? "Foretick" : `${title} · Foretick`;
  }, [title]);
  return origins.join(" ");
}

type Shortcuts = Readonly<Record<string, () => void>>;

/** Single keys, unless something is being typed or a dialog is open. */
function useShortcuts(shortcuts: Shortcuts): void {
  const latest = useRef(shortcuts);
  useEffect(() => {
    latest.current = shortcuts;
  });
  useEffect(() => {
    const handleKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (event.target instanceof HTMLElement && event.target.closest("input, textarea, select, dialog") !== null) return;
      const run = latest.current[event.key];
      if (run === undefined) return;
      event.preventDefault();
      run();
    };
    window.addEventListener("keydown", handleKey);
    return () => {
      window.removeEventListener("keydown", handleKey);
    };
  }, []);
}
