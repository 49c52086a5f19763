/** What the levels of an order book say together. Pure. */

/** `[price, quantity]`, best first. */
type Levels = readonly (readonly [price: number, qty: number])[];

/** Return the quantity from the best price to each level, that level included. */
export function cumulate(levels: Levels): number[] {
  let sum = 0;
  return levels.map(([, qty]) => (sum += qty));
}

/** (bid quantity - ask quantity) / their sum, in -1..1; null where there is neither. */
export function imbalanceFrac(bids: Levels, asks: Levels): number | null {
  const [bid, ask] = [bids, asks].map((side) => side.reduce((sum, [, qty]) => sum + qty, 0)) as [number, number];
  return bid + ask > 0 ? (bid - ask) / (bid + ask) : null;
}

export function midOf(bids: Levels, asks: Levels): number | null {
  const [bid, ask] = [bids[0], asks[0]];
  return bid === undefined || ask === undefined ? null : (bid[0] + ask[0]) / 2;
}

/** The weighted mid: each best price by the quantity on the other side (Stoikov 2018). Null while a side is missing. */
export function microprice(bids: Levels, asks: Levels): number | null {
  const [bid, ask] = [bids[0], asks[0]];
  if (bid === undefined || ask === undefined || bid[1] + ask[1] <= 0) return null;
  return (ask[0] * bid[1] + bid[0] * ask[1]) / (bid[1] + ask[1]);
}

/** Best ask minus best bid in steps of the market's price, without what subtracting two floats leaves behind. */
export function spreadTicks(bids: Levels, asks: Levels, tickSize: number): number | null {
  const [bid, ask] = [bids[0], asks[0]];
  if (bid === undefined || ask === undefined || !(tickSize > 0)) return null;
  return Number(((ask[0] - bid[0]) / tickSize).toFixed(6));
}
