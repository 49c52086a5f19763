import { useEffect, useRef } from "react";
import { Surface, type Frame } from "./surface.ts";

interface Props {
  /** What the picture shows, for those who don't see it. */
  readonly label: string;
  readonly className: string;
  /** Must keep its identity: a new one starts a new surface. `pointerX` is null while no pointer is over the chart. */
  readonly paint: (frame: Frame, pointerX: number | null) => void;
  /** Calls back when there is something new to draw; returns how to stop. */
  readonly subscribe: (invalidate: () => void) => () => void;
}

/** A canvas outside of React's render loop: data goes from the store to the drawing without a render. */
export function ChartCanvas({ label, className, paint, subscribe }: Props) {
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const canvas = ref.current;
    if (canvas === null) return undefined;
    let pointerX: number | null = null;
    const surface = new Surface(canvas, (frame) => {
      paint(frame, pointerX);
    });
    const follow = (event: PointerEvent): void => {
      pointerX = event.type === "pointerleave" ? null : event.offsetX;
      surface.invalidate();
    };
    canvas.addEventListener("pointermove", follow);
    canvas.addEventListener("pointerleave", follow);
    const stop = subscribe(surface.invalidate);
    return () => {
      stop();
      surface.dispose();
      canvas.removeEventListener("pointermove", follow);
      canvas.removeEventListener("pointerleave", follow);
    };
  }, [paint, subscribe]);
  return (
    <div className={className} role="img" aria-label={label}>
      <canvas ref={ref} />
    </div>
  );
}
