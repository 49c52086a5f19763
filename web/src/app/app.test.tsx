import { act, fireEvent, screen, within } from "@testing-library/react";
import axe from "axe-core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { at, book, BTC, calibration, delta, ETH, instrument, metrics, prediction, snapshot, ticks, welcome } from "../testing/builders.ts";
import { closePage, goLive, openPage, type Page } from "../testing/page.tsx";

let page: Page;

beforeEach(() => { page = openPage("/"); });
afterEach(closePage);

describe("the page", () => {
  it("says what it is waiting for before the gateway has greeted it", () => {
    expect(screen.getByTestId("connection").dataset["phase"]).toBe("connecting");
    expect(screen.getByTestId("empty").textContent).toContain("Connecting to the feed");
  });

  it("says what to do when the gateway does not answer, and counts down", () => {
    page.feed([{ kind: "waiting", atMs: 0, retryAtMs: 4_000, attempt: 2, reason: "closed with 1006" }]);
    expect(screen.getByTestId("connection").textContent).toContain("Reconnectingin 4 s");
    expect(screen.getByTestId("empty").textContent).toContain("make run");
    page.setNow(2_500);
    expect(screen.getByTestId("connection").textContent).toContain("in 2 s");
    fireEvent.click(within(screen.getByTestId("connection")).getByRole("button"));
    expect(page.retries).toBe(1);
  });

  it("says that no instrument is listed yet, and shows them once they are", () => {
    page.feed(at(0, welcome({ instruments: [] })));
    expect(screen.getByTestId("empty").textContent).toContain("no instrument is listed");
    page.feed(at(0, { type: "instruments", instruments: [instrument("BTC")] }));
    expect(screen.queryByTestId("empty")).toBeNull();
    expect(page.row(BTC)).toBeTruthy();
  });

  it("says everywhere that data is simulated", () => {
    goLive(page);
    expect(screen.getByTestId("origin").textContent).toBe("SIMULATEDsim");
    expect(document.title).toBe("SIMULATED · Foretick");
    expect(within(page.row(BTC)).getByText("SIM")).toBeTruthy();
  });

  it("does not call live data anything else", () => {
    page.feed(at(0, welcome({ origin: "live", instruments: [instrument("BTC", { venue: "binance", origin: "live" })] })));
    expect(screen.getByTestId("origin").textContent).toBe("LIVEbinance");
    expect(screen.queryByText(/SIM/)).toBeNull();
  });
});

describe("a row", () => {
  it("shows price, change with its sign, prediction and what it was made from", () => {
    goLive(page);
    const row = page.row(BTC);
    expect(within(row).getByTestId("price").textContent).toBe("100.01");
    expect(row.textContent).toContain("▲+0.12");
    expect(within(row).getByRole("img", { name: "down 20 %, flat 43 %, up 37 %" })).toBeTruthy();
    expect(within(row).getByTestId("expected").textContent).toBe("+0.84");
    expect(row.dataset).toMatchObject({ modelId: "ensemble-1", asofSeq: "10", stale: "false", priceStale: "false", trust: "LIVE", origin: "sim" });
  });

  it("marks price and prediction stale each by its own arrival", () => {
    goLive(page);
    page.feed(at(2_000, delta("predictions", prediction({ asof_seq: 12 }), { seq: 12, prev: 10 })));
    page.setNow(4_200);
    expect(page.row(BTC).dataset).toMatchObject({ stale: "false", priceStale: "true", asofSeq: "12" });
    expect(page.row(BTC).textContent.replaceAll("\u202f", " ")).toContain("STALE 4 s");
    page.setNow(6_400);
    expect(page.row(BTC).dataset["stale"]).toBe("true");
    page.feed(at(6_400, delta("ticks", ticks({ price: 100.05 }), { seq: 11, prev: 9 })));
    expect(page.row(BTC).dataset).toMatchObject({ stale: "true", priceStale: "false" });
  });

  it("is not fresh before anything has arrived", () => {
    goLive(page);
    expect(page.row(ETH).dataset).toMatchObject({ stale: "true", priceStale: "false" });
    expect(page.row(ETH).getAttribute("data-asof-seq")).toBe("");
    expect(page.row(ETH).textContent).toContain("No prediction has arrived yet");
  });

  it("says in words why a prediction is withheld", () => {
    goLive(page);
    const withheld = prediction({ withheld: "untrusted", probabilities: null, expected_return_bps: null, members: {}, trust: "GAP" });
    page.feed(at(1, delta("predictions", withheld, { seq: 11, prev: 10 }), delta("ticks", ticks({ trust: "GAP" }), { seq: 10, prev: 9 })));
    expect(page.row(BTC).textContent).toContain("Withheld: the order book is not sound");
    expect(page.row(BTC).dataset).toMatchObject({ withheld: "untrusted", trust: "GAP" });
    expect(within(page.row(BTC)).getByText("GAP")).toBeTruthy();
    expect(within(page.row(BTC)).queryByRole("img", { name: /down/ })).toBeNull();
  });

  it("tells how sure a prediction is, whether such intervals held, and when it abstains", () => {
    goLive(page);
    const words = () => screen.getByTestId("certainty").textContent.replaceAll("\u202f", " ");
    expect(words()).toContain("\u22121.36 to +3.04 bps");
    expect(words()).toContain("none has met its outcome yet");
    expect(screen.getByTestId("decision").textContent).toBe("sure enough");
    const score = {
      count: 500, accuracy_frac: 0.46, prior_accuracy_frac: 0.45, log_loss: 1, prior_log_loss: 1.1, decided: 400, decided_accuracy_frac: 0.475,
      abstained_accuracy_frac: 0.4,
    };
    const unsure = prediction({
      asof_seq: 11, score, interval: { low_bps: null, high_bps: null, coverage_frac: 0.9 }, regime: "rough_trending",
      weights: [0.625], regret_nats: -0.0031, coverage: { count: 500, coverage_frac: 0.885, target_frac: 0.9 }, abstention: { confidence_frac: 0.41, least_frac: 0.45 },
    });
    page.feed(at(1, delta("predictions", unsure, { seq: 11, prev: 10 })));
    expect(screen.getByTestId("interval").textContent).toContain("without bound");
    expect(screen.getByTestId("coverage").textContent.replaceAll("\u202f", " ")).toBe("88.5 % of 500 should be 90 %");
    expect(words()).toContain("abstains: 41.0 % sure, less than 45.0 %");
    expect(words()).toContain("right 47.5 % of 400 decided, 40.0 % of 100 abstained");
    expect(words()).toContain("rough, trending");
    expect(words()).toContain("\u22120.0031 nats to the best member");
    expect(screen.getByTestId("members").textContent.replaceAll("\u202f", " ")).toContain("LightGBM63 %");
    page.feed(at(2, delta("predictions", prediction({ asof_seq: 12, interval: null, no_interval: "warming_up" }), { seq: 12, prev: 11 })));
    expect(words()).toContain("warming up: too few outcomes are known yet");
  });

  it("tells whether probabilities and intervals meant what they said, by regime", () => {
    goLive(page);
    expect(screen.getByTestId("calibration").textContent).toContain("Too few outcomes are known yet");
    page.feed(at(1, snapshot("calibration", calibration(), { seq: 10 })));
    const panel = screen.getByTestId("calibration");
    const rows = within(panel).getAllByRole("row").map((row) => row.textContent.replaceAll("\u202f", " "));
    expect(rows).toEqual([
      "MarketOutcomesErrorBrierHeld", "all405.0 %0.50092.5 %", "calm, choppy105.0 %0.50092.5 %", "rough, trending305.0 %0.50092.5 %",
    ]);
    const dots = within(panel).getAllByTestId("bin");
    expect(dots.map((dot) => [Number(dot.getAttribute("cx")), Number(dot.getAttribute("cy"))])).toEqual([[66, 48]]); // 0.55 and 1 - 0.6 of 120
    expect(within(panel).getByRole("img").getAttribute("aria-label")?.replaceAll("\u202f", " ")).toBe("Reliability: 60 % right at 55 %");
  });

  it("warns when the model was trained on other data", () => {
    goLive(page);
    page.feed(at(1, delta("predictions", prediction({ out_of_origin: true, origin: "replay" }), { seq: 11, prev: 10 })));
    expect(within(page.row(BTC)).getByText(/untested here/).getAttribute("title")).toBe("Trained on simulated data, scored on replay data: untested");
  });
});

describe("keyboard", () => {
  it("moves through the instruments with one row in the tab order, and follows the selected one", () => {
    goLive(page);
    expect([page.row(BTC).tabIndex, page.row(ETH).tabIndex]).toEqual([0, -1]);
    page.row(BTC).focus();
    fireEvent.keyDown(page.row(BTC), { key: "ArrowDown" });
    expect(document.activeElement).toBe(page.row(ETH));
    expect(page.row(ETH).getAttribute("aria-selected")).toBe("true");
    expect(screen.getByTestId("detail").dataset["instrument"]).toBe(ETH);
    act(() => { vi.advanceTimersByTime(100); });
    expect(page.selected.at(-1)).toBe(ETH);
    fireEvent.keyDown(page.row(ETH), { key: "ArrowDown" });
    expect(document.activeElement).toBe(page.row(ETH));
    fireEvent.keyDown(page.row(ETH), { key: "Home" });
    expect(document.activeElement).toBe(page.row(BTC));
  });

  it("goes from the board to the details with Enter and back with b", () => {
    goLive(page);
    page.row(BTC).focus();
    fireEvent.keyDown(page.row(BTC), { key: "Enter" });
    expect(document.activeElement?.id).toBe("detail");
    fireEvent.keyDown(document.body, { key: "b" });
    expect(document.activeElement).toBe(page.row(BTC));
  });

  it("opens the help with a question mark", () => {
    goLive(page);
    const dialog = screen.getByTestId<HTMLDialogElement>("shortcuts");
    expect(dialog.open).toBe(false);
    fireEvent.keyDown(document.body, { key: "?" });
    expect(dialog.open).toBe(true);
    fireEvent.click(within(dialog).getByText("Close", { selector: "button" }));
    expect(dialog.open).toBe(false);
  });
});

describe("details", () => {
  it("show ladder, members and features under the gateway's own labels", () => {
    goLive(page);
    page.feed(
      at(0, snapshot("books", book(), { seq: 9 })),
      at(0, snapshot("features", { step: 1, values: [1.25, null], warm: true, schema_id: "s1", mid: 1, trust: "LIVE", origin: "sim", ts_recv_us: 1 }, { seq: 9 })),
    );
    const firstLevels = within(screen.getByTestId("ladder")).getAllByRole("row")[1];
    expect([...(firstLevels?.children ?? [])].map((cell) => cell.textContent)).toEqual(["2.00", "100.00", "100.02", "1.00"]);
    expect(screen.getByTestId("members").textContent).toContain("LightGBM");
    page.feed(at(1, snapshot("predictions", prediction({ flat_bps: 0.0042 }), { seq: 11 })));
    expect(screen.getByTestId("members").textContent).toContain("flat within ±0.0042");
    expect(screen.getByTestId("features").textContent).toContain("Return1.250bpsmicrostructureImbalance–frac");
  });
});

describe("the system strip", () => {
  it("puts live accuracy beside the prior and calls it no edge where it is none", () => {
    goLive(page);
    const score = { count: 50_000, accuracy_frac: 0.452, prior_accuracy_frac: 0.451, log_loss: 1.05, prior_log_loss: 1.06, decided: 50_000, decided_accuracy_frac: 0.452, abstained_accuracy_frac: null };
    page.feed(at(1, delta("metrics", metrics({ score }), { seq: 2, prev: 1 })));
    expect(screen.getByTestId("score").textContent.replaceAll("\u202f", " ")).toContain("45.2 %prior 45.1 %");
    expect(screen.getByTestId("verdict").textContent).toBe("no edge yet");
  });

  it("tells of a gateway that has gone quiet", () => {
    goLive(page);
    page.setNow(5_000);
    expect(screen.getByTestId("connection").dataset["phase"]).toBe("silent");
    expect(screen.getByTestId("banner").textContent).toContain("gone quiet");
  });

  it("shows what the gateway refused with its hint, until dismissed", () => {
    goLive(page);
    page.feed(at(1, { type: "error", code: "unknown_symbol", message: "there is no instrument 'X'", hint: "known: BTCUSDT" }));
    expect(screen.getByTestId("banner").textContent).toContain("known: BTCUSDT");
    fireEvent.click(screen.getByText("Dismiss"));
    expect(screen.queryByTestId("banner")).toBeNull();
  });

  it("asks for a reload when the protocol is another one", () => {
    page.feed(at(0, welcome({ protocol: 2 })));
    expect(screen.getByTestId("banner").textContent).toContain("Reload the page");
  });
});

describe("accessibility", () => {
  it("has no violation that axe finds without a layout", async () => {
    goLive(page);
    page.feed(at(0, snapshot("books", book(), { seq: 9 })));
    fireEvent.keyDown(document.body, { key: "l" });
    vi.useRealTimers();
    const { violations } = await axe.run(document.body, { rules: { "color-contrast": { enabled: false }, region: { enabled: false } } });
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 160))])).toEqual([]);
  });
});
