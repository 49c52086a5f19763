import { describe, expect, it } from "vitest";
import css from "../app/styles/tokens.css?raw";

const token = (name: string): string => new RegExp(`--${name}:\\s*(#[0-9a-f]{6})`).exec(css)?.[1] ?? `no --${name}`;

/** Relative luminance and contrast ratio as WCAG 2.2 defines them. */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const channel = parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

describe("colours", () => {
  it("are measured rightly: black on white is 21, grey #767676 just passes", () => {
    expect(contrast("#000000", "#ffffff")).toBeCloseTo(21, 6);
    expect(contrast("#767676", "#ffffff")).toBeCloseTo(4.54, 2);
  });

  const texts = ["text", "text-muted", "accent", "up", "down", "flat", "good", "warning", "alarm", "sim", "replay"];
  it.each(texts.flatMap((text) => ["page", "panel", "raised"].map((ground) => [text, ground] as const)))("--%s on --%s meets AA", (text, ground) => {
    expect(contrast(token(text), token(ground))).toBeGreaterThanOrEqual(4.5);
  });
});
