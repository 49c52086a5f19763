import { useCallback, useEffect, useRef, useState } from "react";
import { DetailPanel } from "../features/detail/detail-panel.tsx";
import { FeatureTable } from "../features/detail/feature-table.tsx";
import { Board } from "../features/overview/board.tsx";
import { Footer } from "../features/system/footer.tsx";
import { ProblemBanner } from "../features/system/problem-banner.tsx";
import { SystemStrip } from "../features/system/system-strip.tsx";
import { TopBar } from "../features/system/top-bar.tsx";
import { WaterfallPanel } from "../features/system/waterfall-panel.tsx";
import { useFeed, useFeedState } from "../stream/context.ts";
import { sourcesOf } from "../stream/selectors.ts";
import { ErrorBoundary } from "../ui/error-boundary.tsx";
import { NARROW } from "../ui/layout.ts";
import { ORIGIN_LABELS } from "../ui/words.ts";
import { useSelection } from "./selection.ts";
import { ShortcutsDialog } from "./shortcuts-dialog.tsx";

const WATERFALL_ID = "waterfall";

export function App() {
  const { client } = useFeed();
  const [selected, select] = useSelection();
  const [isHelpOpen, setIsHelpOpen] = useState(false);
  const [isWaterfallOpen, setIsWaterfallOpen] = useState(false);
  const toggleWaterfall = (): void => { setIsWaterfallOpen((isOpen) => !isOpen); };
  const closeWaterfall = (): void => {
    setIsWaterfallOpen(false);
    document.querySelector<HTMLElement>(`[aria-controls="${WATERFALL_ID}"]`)?.focus();
  };
  const detailHeading = useRef<HTMLHeadingElement>(null);
  const origins = useOrigins();
  const goToDetail = useCallback(() => {
    detailHeading.current?.focus({ preventScroll: true });
    detailHeading.current?.closest("section")?.scrollIntoView({ block: window.matchMedia(NARROW).matches ? "start" : "nearest" });
  }, []);
  useShortcuts({
    "?": () => { setIsHelpOpen(true); },
    b: goToBoard,
    d: goToDetail,
    l: toggleWaterfall,
    ...(isWaterfallOpen && { Escape: closeWaterfall }),
    r: () => { client.retryNow(); },
  });
  return (
    <div className="app" data-origin={origins}>
      <a className="skip-link" href="#board" onClick={(event) => { event.preventDefault(); goToBoard(); }}>
        Skip to the instruments
      </a>
      <TopBar onHelp={() => { setIsHelpOpen(true); }} />
      <ProblemBanner />
      <main className="main">
        <ErrorBoundary name="System"><SystemStrip waterfallId={WATERFALL_ID} isWaterfallOpen={isWaterfallOpen} onWaterfall={toggleWaterfall} /></ErrorBoundary>
        {isWaterfallOpen && <ErrorBoundary name="Latency"><WaterfallPanel id={WATERFALL_ID} onClose={closeWaterfall} /></ErrorBoundary>}
        <div className="columns">
          <ErrorBoundary name="Overview"><Board selected={selected} onSelect={select} onOpen={goToDetail} /></ErrorBoundary>
          {selected !== null && <DetailPanel id={selected} headingRef={detailHeading} onBack={goToBoard} />}
          {selected !== null && <ErrorBoundary name="Features"><FeatureTable id={selected} /></ErrorBoundary>}
        </div>
      </main>
      <Footer />
      <ShortcutsDialog isOpen={isHelpOpen} onClose={() => { setIsHelpOpen(false); }} />
    </div>
  );
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
