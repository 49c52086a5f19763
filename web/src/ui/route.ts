/**
 * What the address says is looked at: `#sim:BTCUSDT` an instrument on the board, `#depth/sim:BTCUSDT` its market depth,
 * `#models` and `#models/sim:BTCUSDT` the models, on the first instrument or on that one. Pure.
 */

import type { InstrumentId } from "../stream/protocol.ts";

export type View = "board" | "depth" | "models";

export interface Route {
  /** As the address has it: there may be no such instrument. */
  readonly id: string;
  readonly view: View;
}

const PREFIXES = { depth: "depth/", models: "models/" } as const;
export const MODELS_HREF = "#models";

export function parseRoute(hash: string): Route {
  const text = decode(hash.slice(1));
  if (text === "models") return { id: "", view: "models" };
  for (const view of ["depth", "models"] as const) {
    if (text.startsWith(PREFIXES[view])) return { id: text.slice(PREFIXES[view].length), view };
  }
  return { id: text, view: "board" };
}

export function hrefOf(view: View, id: InstrumentId): string {
  return `#${view === "board" ? "" : PREFIXES[view]}${encodeURI(id)}`;
}

export function overviewHref(id: InstrumentId): string {
  return hrefOf("board", id);
}

export function depthHref(id: InstrumentId): string {
  return hrefOf("depth", id);
}

/** Who types an address may leave half an escape in it. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
