/** Cumulative depth: how much lies between the best price and each price, bids to the left, asks to the right; crosshair. */

import { palette, type Palette } from "./palette.ts";
import { niceTicks, scaleX, scaleY, type Box, type Extent, type Point } from "./scale.ts";
import type { Frame } from "./surface.ts";

/** Price, and the quantity from the best price to there; best first. */
export type DepthSide = readonly Point[];

export interface DepthChartOptions {
  readonly bids: DepthSide;
  readonly asks: DepthSide;
  /** A book that is not to be believed is drawn without colour. */
  readonly isSound: boolean;
  readonly pointerX: number | null;
  readonly formatPrice: (price: number) => string;
  readonly formatQty: (qty: number) => string;
}

export interface DepthDomain {
  readonly x: Extent;
  readonly y: Extent;
}

const AXIS_WIDTH = 58;
const AXIS_HEIGHT = 22;
const TOP = 26;
const FONT = "11px ui-sans-serif, system-ui, sans-serif";
const HEADROOM_FRAC = 0.06;
const PRICE_LABEL_EVERY_PX = 130;
const TAG_HEIGHT = 18;

interface Plot {
  readonly context: CanvasRenderingContext2D;
  readonly box: Box;
  readonly domain: DepthDomain;
  readonly colours: Palette;
  readonly options: DepthChartOptions;
}

/** From the worst bid to the worst ask, and from nothing to the larger side. Null without a level. */
export function depthDomain(bids: DepthSide, asks: DepthSide): DepthDomain | null {
  const prices = [...bids, ...asks].map(([price]) => price);
  const largest = Math.max(bids.at(-1)?.[1] ?? 0, asks.at(-1)?.[1] ?? 0);
  if (prices.length === 0 || largest <= 0) return null;
  return { x: { min: Math.min(...prices), max: Math.max(...prices) }, y: { min: 0, max: largest * (1 + HEADROOM_FRAC) } };
}

/** The last level that a trade to `price` meets; null where it meets none. `outward`: -1 for bids, 1 for asks. */
export function levelReached(side: DepthSide, price: number, outward: -1 | 1): Point | null {
  return side.findLast(([level]) => outward * level <= outward * price) ?? null;
}

export function paintDepthChart({ context, width, height }: Frame, options: DepthChartOptions): void {
  const domain = depthDomain(options.bids, options.asks);
  if (domain === null) return;
  const box: Box = { left: 0, top: TOP, width: width - AXIS_WIDTH, height: height - AXIS_HEIGHT - TOP };
  const plot: Plot = { context, box, domain, colours: palette(), options };
  context.font = FONT;
  context.textBaseline = "middle";
  paintAxes(plot);
  const { up, down, flat } = plot.colours;
  paintSide(plot, options.bids, domain.x.min, options.isSound ? up : flat);
  paintSide(plot, options.asks, domain.x.max, options.isSound ? down : flat);
  paintCrosshair(plot);
}

function paintAxes({ context, box, domain, colours, options }: Plot): void {
  context.strokeStyle = colours.line;
  context.fillStyle = colours.text;
  context.textAlign = "left";
  for (const value of niceTicks(domain.y, 4)) {
    const y = Math.round(scaleY(value, domain.y, box)) + 0.5;
    segment(context, box.left, y, box.left + box.width, y);
    context.fillText(options.formatQty(value), box.left + box.width + 8, y);
  }
  const labels = Math.max(2, Math.floor(box.width / PRICE_LABEL_EVERY_PX));
  for (let index = 0; index <= labels; index += 1) {
    context.textAlign = index === 0 ? "left" : index === labels ? "right" : "center";
    const price = domain.x.min + ((domain.x.max - domain.x.min) * index) / labels;
    context.fillText(options.formatPrice(price), box.left + (box.width * index) / labels, box.top + box.height + AXIS_HEIGHT / 2 + 2);
  }
}

/** A stair from the best price outward to `end`: each level stands until the next one. */
function paintSide({ context, box, domain }: Plot, side: DepthSide, end: number, colour: string): void {
  const best = side[0];
  if (best === undefined) return;
  const bottom = box.top + box.height;
  const bestX = scaleX(best[0], domain.x, box);
  const endX = scaleX(end, domain.x, box);
  context.beginPath();
  context.moveTo(bestX, bottom);
  side.forEach(([, qty], index) => {
    const y = scaleY(qty, domain.y, box);
    const next = side[index + 1];
    context.lineTo(scaleX(side[index]?.[0] ?? end, domain.x, box), y);
    context.lineTo(next === undefined ? endX : scaleX(next[0], domain.x, box), y);
  });
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.stroke();
  context.lineWidth = 1;
  context.lineTo(endX, bottom);
  context.closePath();
  context.fillStyle = `${colour}2e`;
  context.fill();
}

function paintCrosshair(plot: Plot): void {
  const { context, box, domain, colours, options } = plot;
  const { pointerX, bids, asks } = options;
  if (pointerX === null || pointerX > box.left + box.width) return;
  const price = domain.x.min + ((pointerX - box.left) / box.width) * (domain.x.max - domain.x.min);
  const level = levelReached(bids, price, -1) ?? levelReached(asks, price, 1);
  if (level === null) return;
  const x = Math.round(pointerX) + 0.5;
  context.strokeStyle = colours.text;
  segment(context, x, box.top, x, box.top + box.height);
  context.fillStyle = colours.strong;
  context.beginPath();
  context.arc(x, scaleY(level[1], domain.y, box), 3, 0, 2 * Math.PI);
  context.fill();
  paintLabel(plot, x, `${options.formatQty(level[1])} to ${options.formatPrice(level[0])}`);
}

function paintLabel({ context, box, colours }: Plot, x: number, label: string): void {
  const labelWidth = context.measureText(label).width + 12;
  const left = Math.min(Math.max(x - labelWidth / 2, box.left), box.left + box.width - labelWidth);
  context.fillStyle = colours.line;
  context.fillRect(left, 4, labelWidth, TAG_HEIGHT);
  context.fillStyle = colours.strong;
  context.textAlign = "left";
  context.fillText(label, left + 6, 4 + TAG_HEIGHT / 2);
}

function segment(context: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}
