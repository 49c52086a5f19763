/** A canvas that draws at the screen's own resolution, at most once a frame, and only when asked or resized. */

export interface Frame {
  readonly context: CanvasRenderingContext2D;
  /** CSS pixels. */
  readonly width: number;
  readonly height: number;
}

export type Paint = (frame: Frame) => void;

export class Surface {
  private readonly canvas: HTMLCanvasElement;
  private readonly context: CanvasRenderingContext2D | null;
  private readonly paint: Paint;
  private readonly observer: ResizeObserver;
  private frame = 0;
  private width = 0;
  private height = 0;

  constructor(canvas: HTMLCanvasElement, paint: Paint) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.paint = paint;
    this.observer = new ResizeObserver(() => {
      this.measure();
    });
    this.observer.observe(canvas);
    this.measure();
  }

  /** Ask for one drawing before the next paint; asking again until then costs nothing. */
  readonly invalidate = (): void => {
    if (this.frame === 0) this.frame = requestAnimationFrame(this.draw);
  };

  dispose(): void {
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
  }

  private measure(): void {
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    this.invalidate();
  }

  private readonly draw = (): void => {
    this.frame = 0;
    const { canvas, context, width, height } = this;
    if (context === null || width === 0 || height === 0) return;
    const ratio = window.devicePixelRatio;
    const pixelWidth = Math.round(width * ratio);
    const pixelHeight = Math.round(height * ratio);
    if (canvas.width !== pixelWidth || canvas.height !== pixelHeight) {
      canvas.width = pixelWidth;
      canvas.height = pixelHeight;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    this.paint({ context, width, height });
  };
}
