/** What the address says is looked at: `#sim:BTCUSDT` an instrument on the board, `#depth/sim:BTCUSDT` its market depth. Pure. */

import type { InstrumentId } from "../stream/protocol.ts";

export interface Route {
  /** As the address has it: there may be no such instrument. */
  readonly id: string;
  readonly isDepth: boolean;
}

const DEPTH = "depth/";

export function parseRoute(hash: string): Route {
  const text = decode(hash.slice(1));
  return text.startsWith(DEPTH) ? { id: text.slice(DEPTH.length), isDepth: true } : { id: text, isDepth: false };
}

export function overviewHref(id: InstrumentId): string {
  return `#${encodeURI(id)}`;
}

export function depthHref(id: InstrumentId): string {
  return `#${DEPTH}${encodeURI(id)}`;
}

/** Who types an address may leave half an escape in it. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
