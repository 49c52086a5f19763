import { describe, expect, it } from "vitest";
import { hrefOf, MODELS_HREF, parseRoute } from "./route.ts";

describe("the address", () => {
  it.each(["sim:BTCUSDT", "ccxt-gate:BTC/USDT", "x:50%"] as const)("names %s on the board, its depth and the models on it", (id) => {
    for (const view of ["board", "depth", "models"] as const) expect(parseRoute(hrefOf(view, id))).toEqual({ id, view });
  });

  it("names the models without an instrument", () => {
    expect(parseRoute(MODELS_HREF)).toEqual({ id: "", view: "models" });
  });

  it("may be empty or no address of ours", () => {
    expect(parseRoute("")).toEqual({ id: "", view: "board" });
    expect(parseRoute("#50%")).toEqual({ id: "50%", view: "board" });
    expect(parseRoute("#modelsX")).toEqual({ id: "modelsX", view: "board" });
  });
});
