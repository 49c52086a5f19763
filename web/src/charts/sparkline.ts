/** The small line in a row: shape, where it began, where it is. */

import { palette } from "./palette.ts";
import { scaleX, scaleY, type Box } from "./scale.ts";
import { directionOf, domainOf, segmentsOf, type Domain, type Series } from "./series.ts";
import type { Frame } from "./surface.ts";

const INSET = 4;

export function paintSparkline({ context, width, height }: Frame, series: Series): void {
  const { points } = series;
  const first = points[0];
  const last = points.at(-1);
  const whole = domainOf(series);
  if (first === undefined || last === undefined || whole === null) return;
  const domain: Domain = { x: { min: first[0], max: last[0] }, y: whole.y };
  const box: Box = { left: INSET, top: INSET, width: width - 2 * INSET, height: height - 2 * INSET };
  const colours = palette();
  const direction = directionOf(points);
  context.strokeStyle = colours.line;
  context.setLineDash([2, 3]);
  strokeLevel(context, scaleY(first[1], domain.y, box), box);
  context.setLineDash([]);
  context.strokeStyle = direction > 0 ? colours.up : direction < 0 ? colours.down : colours.flat;
  context.fillStyle = context.strokeStyle;
  strokeLine(context, series, domain, box);
  context.beginPath();
  context.arc(scaleX(last[0], domain.x, box), scaleY(last[1], domain.y, box), 2, 0, 2 * Math.PI);
  context.fill();
}

function strokeLevel(context: CanvasRenderingContext2D, y: number, box: Box): void {
  context.beginPath();
  context.moveTo(box.left, Math.round(y) + 0.5);
  context.lineTo(box.left + box.width, Math.round(y) + 0.5);
  context.stroke();
}

export function strokeLine(context: CanvasRenderingContext2D, series: Series, domain: Domain, box: Box): void {
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.beginPath();
  for (const segment of segmentsOf(series)) {
    segment.forEach(([x, y], index) => {
      const px = scaleX(x, domain.x, box);
      const py = scaleY(y, domain.y, box);
      if (index === 0) context.moveTo(px, py);
      else context.lineTo(px, py);
    });
  }
  context.stroke();
  context.lineWidth = 1;
}
