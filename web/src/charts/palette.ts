/** The stylesheet's colours, for the canvas. */

export interface Palette {
  readonly up: string;
  readonly down: string;
  readonly flat: string;
  readonly line: string;
  readonly text: string;
  readonly strong: string;
  readonly surface: string;
}

let cached: Palette | null = null;

/** Read once: the theme does not change while the page is open. */
export function palette(): Palette {
  cached ??= read();
  return cached;
}

function read(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim() || "#888";
  return {
    up: colour("--up"), down: colour("--down"), flat: colour("--flat"), line: colour("--line"),
    text: colour("--text-muted"), strong: colour("--text"), surface: colour("--panel"),
  };
}
