import { useEffect, useRef } from "react";

const SHORTCUTS: readonly (readonly [keys: readonly string[], meaning: string])[] = [
  [["↑", "↓"], "Previous or next instrument (also k and j)"],
  [["Home", "End"], "First or last instrument"],
  [["Enter"], "From the board to the details"],
  [["b"], "To the board"],
  [["d"], "To the details"],
  [["m"], "Market depth of the instrument, and back"],
  [["e"], "The model: who serves, calibration, drift, importance; and back"],
  [["l"], "Latency by stage: show or hide"],
  [["v"], "Venues: show or hide"],
  [["c"], "Correlations: show or hide"],
  [["r"], "Reconnect now, while the page waits"],
  [["?"], "This help"],
  [["Esc"], "Close, or back to the overview"],
];

interface Props {
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export function ShortcutsDialog({ isOpen, onClose }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    if (dialog === null || dialog.open === isOpen) return;
    if (isOpen) dialog.showModal();
    else dialog.close();
  }, [isOpen]);
  return (
    <dialog ref={ref} className="dialog" aria-labelledby="shortcuts-title" onClose={onClose} data-testid="shortcuts">
      <h2 id="shortcuts-title">Keyboard shortcuts</h2>
      <dl className="shortcuts">
        {SHORTCUTS.map(([keys, meaning]) => (
          <div key={meaning}>
            <dt>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <button type="button" className="button" onClick={onClose}>
        Close
      </button>
    </dialog>
  );
}
