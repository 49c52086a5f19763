/** The large chart: line, price axis, time axis, last price, crosshair. */

import { palette, type Palette } from "./palette.ts";
import { nearestIndex, niceTicks, scaleX, scaleY, type Box, type Point } from "./scale.ts";
import { directionOf, domainOf, segmentsOf, type Domain, type Series } from "./series.ts";
import { strokeLine } from "./sparkline.ts";
import type { Frame } from "./surface.ts";

export interface PriceChartOptions {
  readonly series: Series;
  /** Pixels from the left where the pointer is; null when it is elsewhere. */
  readonly pointerX: number | null;
  readonly formatValue: (value: number) => string;
  readonly formatTime: (time: number) => string;
}

const AXIS_WIDTH = 78;
const AXIS_HEIGHT = 20;
const TOP = 8;
const FONT = "11px ui-sans-serif, system-ui, sans-serif";
const TAG_HEIGHT = 18;
const TIME_LABEL_EVERY_PX = 110;

interface Plot {
  readonly context: CanvasRenderingContext2D;
  readonly box: Box;
  readonly domain: Domain;
  readonly colours: Palette;
  readonly options: PriceChartOptions;
}

export function paintPriceChart({ context, width, height }: Frame, options: PriceChartOptions): void {
  const domain = domainOf(options.series);
  const last = options.series.points.at(-1);
  if (domain === null || last === undefined) return;
  const box: Box = { left: 0, top: TOP, width: width - AXIS_WIDTH, height: height - AXIS_HEIGHT - TOP };
  const plot: Plot = { context, box, domain, colours: palette(), options };
  context.font = FONT;
  context.textBaseline = "middle";
  paintAxes(plot);
  paintLine(plot);
  paintTag(plot, last[1]);
  paintCrosshair(plot);
}

function paintAxes({ context, box, domain, colours, options }: Plot): void {
  context.strokeStyle = colours.line;
  context.fillStyle = colours.text;
  context.textAlign = "left";
  const tagY = scaleY(options.series.points.at(-1)?.[1] ?? domain.y.min, domain.y, box);
  for (const value of niceTicks(domain.y, 4)) {
    const y = Math.round(scaleY(value, domain.y, box)) + 0.5;
    segment(context, box.left, y, box.left + box.width, y);
    if (Math.abs(y - tagY) < TAG_HEIGHT) continue;
    context.fillText(options.formatValue(value), box.left + box.width + 8, y);
  }
  const labels = Math.max(1, Math.floor(box.width / TIME_LABEL_EVERY_PX));
  for (let index = 0; index <= labels; index += 1) {
    const x = box.left + (box.width * index) / labels;
    const time = domain.x.min + ((domain.x.max - domain.x.min) * index) / labels;
    context.textAlign = index === 0 ? "left" : index === labels ? "right" : "center";
    context.fillText(options.formatTime(time), x, box.top + box.height + AXIS_HEIGHT / 2 + 2);
  }
}

function paintLine({ context, box, domain, colours, options }: Plot): void {
  const direction = directionOf(options.series.points);
  const colour = direction > 0 ? colours.up : direction < 0 ? colours.down : colours.flat;
  const bottom = box.top + box.height;
  const fade = context.createLinearGradient(0, box.top, 0, bottom);
  fade.addColorStop(0, `${colour}33`);
  fade.addColorStop(1, `${colour}00`);
  context.fillStyle = fade;
  for (const points of segmentsOf(options.series)) {
    context.beginPath();
    context.moveTo(scaleX(points[0]?.[0] ?? 0, domain.x, box), bottom);
    for (const [x, y] of points) context.lineTo(scaleX(x, domain.x, box), scaleY(y, domain.y, box));
    context.lineTo(scaleX(points.at(-1)?.[0] ?? 0, domain.x, box), bottom);
    context.fill();
  }
  context.strokeStyle = colour;
  strokeLine(context, options.series, domain, box);
}

function paintTag({ context, box, domain, colours, options }: Plot, value: number): void {
  const y = Math.round(scaleY(value, domain.y, box)) + 0.5;
  context.strokeStyle = colours.text;
  context.setLineDash([2, 3]);
  segment(context, box.left, y, box.left + box.width, y);
  context.setLineDash([]);
  context.fillStyle = colours.strong;
  context.fillRect(box.left + box.width + 2, y - TAG_HEIGHT / 2, AXIS_WIDTH - 2, TAG_HEIGHT);
  context.fillStyle = colours.surface;
  context.textAlign = "left";
  context.fillText(options.formatValue(value), box.left + box.width + 8, y);
}

function paintCrosshair(plot: Plot): void {
  const { context, box, domain, colours, options } = plot;
  const point = pointUnder(plot);
  if (point === null) return;
  const x = Math.round(scaleX(point[0], domain.x, box)) + 0.5;
  const y = scaleY(point[1], domain.y, box);
  context.strokeStyle = colours.text;
  segment(context, x, box.top, x, box.top + box.height);
  context.fillStyle = colours.strong;
  context.beginPath();
  context.arc(x, y, 3, 0, 2 * Math.PI);
  context.fill();
  const label = `${options.formatTime(point[0])}  ${options.formatValue(point[1])}`;
  const labelWidth = context.measureText(label).width + 12;
  const left = Math.min(Math.max(x - labelWidth / 2, box.left), box.left + box.width - labelWidth);
  context.fillStyle = colours.line;
  context.fillRect(left, box.top, labelWidth, TAG_HEIGHT);
  context.fillStyle = colours.strong;
  context.textAlign = "left";
  context.fillText(label, left + 6, box.top + TAG_HEIGHT / 2);
}

function pointUnder({ box, domain, options }: Plot): Point | null {
  const { pointerX, series } = options;
  if (pointerX === null || pointerX > box.left + box.width) return null;
  const time = domain.x.min + ((pointerX - box.left) / box.width) * (domain.x.max - domain.x.min);
  return series.points[nearestIndex(series.points, time)] ?? null;
}

function segment(context: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}
