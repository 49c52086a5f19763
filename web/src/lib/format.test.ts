import { describe, expect, it } from "vitest";
import {
  decimalsOf, formatAge, formatChange, formatFeature, formatMicros, formatMid, formatPrice, formatQty, formatSeconds, formatSigned, formatTicks, formatUtc,
  formatSignificant, formatUtcDay, formatUtcMillis,
} from "./format.ts";

const plain = (text: string): string => text.replaceAll("\u202f", " ");

describe("decimalsOf", () => {
  it.each([[0.01, 2], [0.0001, 4], [0.5, 1], [0.25, 2], [1, 0], [5, 0], [0.00000001, 8], [0.1 + 0.2, 1], [0, 2]])("of %s is %s", (tick, decimals) => {
    expect(decimalsOf(tick)).toBe(decimals);
  });
});

describe("prices", () => {
  it("have the decimals of the tick and groups of thousands", () => {
    expect(formatPrice(64210.5, 0.01)).toBe("64,210.50");
    expect(formatPrice(0.45, 0.0001)).toBe("0.4500");
    expect(formatMid(64210.505, 0.01)).toBe("64,210.505");
  });

  it("that are missing or not finite read as a dash", () => {
    expect(formatPrice(null, 0.01)).toBe("–");
    expect(formatPrice(undefined, 0.01)).toBe("–");
    expect(formatPrice(Number.NaN, 0.01)).toBe("–");
  });
});

describe("signed numbers", () => {
  it.each([[1.234, "+1.23"], [-1.236, "−1.24"], [0, "0.00"], [0.004, "0.00"], [-0.004, "0.00"], [1234.5, "+1,234.50"]])("%s reads %s", (value, text) => {
    expect(formatSigned(value, 2)).toBe(text);
  });

  it("as a change are percent", () => {
    expect(plain(formatChange(-0.0123))).toBe("−1.23 %");
    expect(formatChange(null)).toBe("–");
  });
});

describe("other figures", () => {
  it.each([[0, "0"], [0.0512, "0.0512"], [1.5, "1.50"], [12.34, "12.3"], [812.4, "812"], [9_994, "9,994"], [12_345, "12.3k"], [2_500_000, "2.50M"]])("quantity %s reads %s", (value, text) => {
    expect(formatQty(value)).toBe(text);
  });

  it.each([[0, "0"], [12.3456, "12.35"], [-0.012345, "−0.01235"], [0.00001234, "1.23e−5"], [2_500_000, "2.50e+6"], [null, "–"]])("feature %s reads %s", (value, text) => {
    expect(formatFeature(value)).toBe(text);
  });

  it.each([[0.0042, "0.0042"], [0.304, "0.30"], [12.3, "12"], [0, "0"], [null, "–"]])("%s to two significant digits reads %s", (value, text) => {
    expect(formatSignificant(value, 2)).toBe(text);
  });

  it.each([[0, "0.0 s"], [42, "4.2 s"], [99, "9.9 s"], [100, "10 s"], [600, "1 min"], [36_000, "1 h"], [null, "–"]])("%s tenths read %s", (tenths, text) => {
    expect(plain(formatAge(tenths))).toBe(text);
  });

  it.each([[850, "850 µs"], [4_180, "4.2 ms"], [17_900, "18 ms"], [1_500_000, "1.5 s"], [null, "–"]])("%s us read %s", (us, text) => {
    expect(plain(formatMicros(us))).toBe(text);
  });

  it("durations and clock times", () => {
    expect([0.5, 300, 90].map((seconds) => plain(formatSeconds(seconds)))).toEqual(["0.5 s", "5 min", "90 s"]);
    expect(formatUtc(1_723_161_253_937_085)).toBe("23:54:13");
  });
});

describe("ticks and instants", () => {
  it("are whole where they are whole", () => {
    expect([formatTicks(3), formatTicks(2.75), formatTicks(1_200), formatTicks(null)]).toEqual(["3", "2.8", "1,200", "–"]);
  });

  it("are told to the second and to the millisecond, in UTC", () => {
    expect([formatUtc(1_800_000_000_123_456), formatUtcMillis(1_800_000_000_123_456), formatUtcDay(1_800_000_000_123_456)]).toEqual(["08:00:00", "08:00:00.123", "01-15 08:00:00"]);
  });
});
