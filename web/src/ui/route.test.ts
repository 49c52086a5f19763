import { describe, expect, it } from "vitest";
import { depthHref, overviewHref, parseRoute } from "./route.ts";

describe("the address", () => {
  it.each(["sim:BTCUSDT", "ccxt-gate:BTC/USDT", "x:50%"] as const)("names %s on the board and its depth", (id) => {
    expect(parseRoute(overviewHref(id))).toEqual({ id, isDepth: false });
    expect(parseRoute(depthHref(id))).toEqual({ id, isDepth: true });
  });

  it("may be empty or no address of ours", () => {
    expect(parseRoute("")).toEqual({ id: "", isDepth: false });
    expect(parseRoute("#50%")).toEqual({ id: "50%", isDepth: false });
  });
});
