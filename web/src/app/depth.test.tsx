import { act, fireEvent, screen, within } from "@testing-library/react";
import axe from "axe-core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { DepthAnswer } from "../stream/depth.ts";
import type { FeedEvent } from "../stream/state.ts";
import {
  at, book, BTC, consolidated, delta, depthAnswer, ETH, instrument, integrityAnswer, integrityChange, integrityEvent, snapshot, T0_US, ticks, venueQuote,
  welcome,
} from "../testing/builders.ts";
import { closePage, openPage, type Page } from "../testing/page.tsx";

let page: Page;

beforeEach(() => {
  page = openPage(`/#depth/${BTC}`);
  page.feed(
    [{ kind: "opened", atMs: 0 }],
    at(0, welcome(), snapshot("ticks", ticks(), { seq: 9 }), snapshot("ticks", ticks(), { id: ETH, seq: 9 }), snapshot("books", book(), { seq: 9 })),
  );
});

afterEach(closePage);

const plain = (element: HTMLElement | null | undefined): string => (element?.textContent ?? "").replaceAll("\u202f", " ");
const told = (id: string): string => plain(screen.getByTestId(id));
const cells = (id: string, selector = "tbody tr"): string[][] =>
  [...screen.getByTestId(id).querySelectorAll(selector)].map((row) => [...row.children].map((cell) => plain(cell as HTMLElement)));
const answered = (...answers: DepthAnswer[]): FeedEvent[] => [{ kind: "depth", atMs: 0, id: BTC, answers }];
const depth = (): DOMStringMap => screen.getByTestId("depth").dataset;
const goTo = (hash: string): void => {
  act(() => {
    window.history.replaceState(null, "", hash);
    window.dispatchEvent(new Event("hashchange"));
  });
};

describe("the way to the depth view", () => {
  it("is an address, which makes REST be asked, and the focus goes to its heading", () => {
    expect(depth()).toMatchObject({ instrument: BTC, trust: "LIVE", stale: "false", origin: "sim" });
    expect(page.read).toEqual([BTC]);
    expect(document.activeElement?.tagName).toBe("H2");
    expect(screen.queryByRole("grid")).toBeNull();
  });

  it("is a link in each row and in the details, and leads back to the row", () => {
    const href = `#depth/${BTC}`;
    expect(screen.getByTestId("back").getAttribute("href")).toBe(`#${BTC}`);
    goTo(`#${BTC}`);
    expect(document.activeElement).toBe(page.row(BTC));
    expect(page.read.at(-1)).toBeNull();
    expect(within(page.row(BTC)).getByRole("link").getAttribute("href")).toBe(href);
    expect([within(page.row(BTC)).getByRole("link").tabIndex, within(page.row(ETH)).getByRole("link").tabIndex]).toEqual([0, -1]);
    expect(within(screen.getByTestId("detail")).getByRole("link").getAttribute("href")).toBe(href);
    expect(fireEvent.keyDown(within(page.row(BTC)).getByRole("link"), { key: "Enter" })).toBe(true);
    expect(document.activeElement?.id).not.toBe("detail");
  });

  it("is the key m, there and back, and Escape back once no panel is open", () => {
    fireEvent.keyDown(document.body, { key: "v" });
    fireEvent.keyDown(document.body, { key: "Escape" });
    expect([screen.queryByTestId("venues-panel"), window.location.hash]).toEqual([null, `#depth/${BTC}`]);
    fireEvent.keyDown(document.body, { key: "Escape" });
    expect(window.location.hash).toBe(`#${BTC}`);
    goTo(window.location.hash);
    fireEvent.keyDown(document.body, { key: "m" });
    expect(window.location.hash).toBe(`#depth/${BTC}`);
  });

  it("goes on to another instrument in the same view", () => {
    fireEvent.change(screen.getByRole("combobox", { name: "Instrument" }), { target: { value: ETH } });
    expect([depth()["instrument"], window.location.hash, page.read.at(-1)]).toEqual([ETH, `#depth/${ETH}`, ETH]);
  });
});

describe("the book", () => {
  it("has each level with its quantity and with the sum from the best price", () => {
    expect(cells("depth-ladder")).toEqual([
      ["2.00", "2.00", "100.00", "100.02", "1.00", "1.00"],
      ["7.00", "5.00", "99.99", "100.03", "4.00", "5.00"],
    ]);
    expect(screen.getByTestId("depth-ladder").dataset["seq"]).toBe("9");
  });

  it("has spread in the market's ticks, microprice and imbalance", () => {
    page.feed(at(0, welcome({ instruments: [instrument("BTC", { tick_size: 0.02 })] })));
    expect(told("spread-now")).toBe("Spread now1 ticks 2.00 bps");
    expect(told("mid")).toBe("Mid100.010");
    // (100.02 * 2 + 100 * 1) / 3 = 100.01333, 0.33 bps above 100.01
    expect(told("microprice")).toBe("Microprice100.013 +0.33 bps to the mid");
    expect(told("imbalance-1")).toBe("Imbalance, best level+0.33 more bids");
    expect(told("imbalance")).toBe("Imbalance, 2 levels+0.17 more bids");
  });

  it("has a dash with its reason where something is missing", () => {
    page.feed(at(1, delta("books", book({ bids: [[100, 0], [99.99, 0]], asks: [] }), { seq: 10, prev: 9 })));
    expect(within(screen.getByTestId("mid")).getByTitle("One side of the book is empty").textContent).toContain("–");
    expect(within(screen.getByTestId("spread-mean")).getByTitle("The gateway has not answered yet")).toBeTruthy();
    page.feed([{ kind: "unanswered", atMs: 1, id: BTC, reason: "the gateway answered 503" }]);
    expect(within(screen.getByTestId("spread-mean")).getByTitle("No answer: the gateway answered 503")).toBeTruthy();
    page.feed(answered(depthAnswer({ spread: null })));
    expect(within(screen.getByTestId("spread-mean")).getByTitle("No spread is known without a sound book; this one is LIVE")).toBeTruthy();
  });

  it.each(["STALE", "RESYNC", "CROSSED", "GAP"] as const)("that is %s says so with its reason, and every panel of it is greyed", (trust) => {
    page.feed(at(1, delta("books", book({ bids: [], asks: [], trust, reason: "because" }), { seq: 10, prev: 9 })));
    expect(depth()["trust"]).toBe(trust);
    expect(told("trust-line")).toContain(trust);
    expect(told("trust-line")).toContain("Not to be acted upon.");
    expect(told("trust-line")).toContain("Reason: because.");
    const sound = ["depth-ladder", "spread", "bands", "cost"].map((id) => screen.getByTestId(id).dataset["sound"]);
    expect(sound).toEqual(["false", "false", "false", "false"]);
  });

  it("is stale once its time to live has passed, as on the overview", () => {
    page.setNow(3_500);
    expect([depth()["stale"], depth()["trust"], screen.getByTestId("depth-ladder").dataset["sound"]]).toEqual(["true", "LIVE", "false"]);
    expect(told("trust-line")).toContain("nothing comes of this market any more");
  });
});

describe("what REST tells", () => {
  it("is the spread over a minute, depth by distance and cost by amount", () => {
    const part = depthAnswer();
    const cost = { buy: { qty: 1, quote: 630_000, average_price: 100.5, slippage_bps: 49, levels: 2, unfilled_quote: 370_000 }, sell: part.cost?.sell ?? null } as never;
    page.feed(answered(part, part, part, depthAnswer({ cost })));
    expect(told("spread-mean")).toBe("Mean, weighted by time3.0 ticks 3.00 bps");
    expect(told("spread-range")).toBe("Lowest to highest1 – 5 ticks");
    expect(told("spread-known").trim()).toBe("Known for42.5 s of the last 1 min");
    expect(cells("bands")).toEqual([["1 bps", "7.00", "5.00", "+0.17"], ["10 bps", "≥ 7.00", "9.00", "−0.13"]]);
    expect(cells("cost")[0]).toEqual(["1,000", "100.020", "1.50", "99.990", "2.00"]);
    expect(cells("cost")[3]).toEqual(["1,000,000", "100.500 63 % of it", "49.00", "99.990", "2.00"]);
  });

  it("is marked stale when no answer comes any more", () => {
    page.feed(answered(depthAnswer()));
    expect(screen.getByTestId("bands").dataset["stale"]).toBe("false");
    page.setNow(5_500);
    expect(screen.getByTestId("bands").dataset["stale"]).toBe("true");
    expect(told("bands")).toContain("STALE 5 s");
  });
});

describe("all venues", () => {
  it("say who has the best price, who does not count and who is the odd one out", () => {
    const venues = [
      venueQuote("binance"), venueQuote("kraken", { bid: 99.98, ask: 100.01 }),
      venueQuote("okx", { bid: 120, ask: 121, is_used: false, is_outlier: true, deviation_bps: 2_050 }),
      venueQuote("bybit", { trust: "GAP", is_used: false, deviation_bps: null }),
    ];
    page.feed(at(0, snapshot("consolidated", consolidated({ venues }), { seq: 1 })));
    expect(told("consolidated")).toContain("Best bid100.00 2.00 at binance");
    expect(told("consolidated")).toContain("Best ask100.01 3.00 at kraken");
    expect(told("consolidated")).toContain("Edge after fees−37.2 bps");
    expect([told("quote-binance").includes("▲"), told("quote-kraken").includes("▼")]).toEqual([true, true]);
    expect(told("quote-okx")).toContain("odd one out");
    expect(told("quote-bybit")).toContain("does not count");
    page.setNow(3_500);
    expect(screen.getByTestId("consolidated").dataset["stale"]).toBe("true");
  });

  it("have no quote where one venue alone lists the pair, and it says so", () => {
    expect(told("consolidated")).toContain("Only sim quotes this pair here");
  });
});

describe("changes of trust", () => {
  it("are told as they happen, newest first, with those that REST told", () => {
    const gap = integrityEvent({ seq: 20, ts_recv_us: T0_US + 5_000 });
    page.feed(
      [{ kind: "integrity", id: BTC, askedAtMs: 0, answer: integrityAnswer({ events: [gap] }) }],
      at(1, integrityChange(integrityEvent({ seq: 30, trust_from: "GAP", trust_to: "LIVE", reason: "", ts_gateway_us: T0_US + 2_000_000 }), 20)),
    );
    expect(cells("integrity")).toEqual([
      ["08:00:00.000", "◌Order book: GAP", "●Order book: LIVE", "sound again"],
      ["08:00:00.005", "●Order book: LIVE", "◌Order book: GAP", "update 7 came after 5"],
    ]);
    expect(told("integrity")).toContain("all since 08:00:00");
    page.feed([{ kind: "round-trip", sentMs: 0, atMs: 0, serverUs: T0_US + 5_000_000 }]);
    expect(told("trust-age")).toBe("for 3 s");
  });

  it("say since when there was none", () => {
    page.feed(
      [{ kind: "integrity", id: BTC, askedAtMs: 0, answer: integrityAnswer() }],
      [{ kind: "round-trip", sentMs: 0, atMs: 0, serverUs: T0_US + 60_000_000 }],
    );
    expect(told("integrity")).toContain("None: its trust has been the same since then");
    expect(told("trust-age")).toBe("for at least 1 min");
  });
});

describe("accessibility", () => {
  it("has no violation that axe finds without a layout", async () => {
    page.feed(answered(depthAnswer()), at(0, snapshot("consolidated", consolidated(), { seq: 1 }), integrityChange(integrityEvent(), null)));
    fireEvent.keyDown(document.body, { key: "v" });
    vi.useRealTimers();
    const { violations } = await axe.run(document.body, { rules: { "color-contrast": { enabled: false }, region: { enabled: false } } });
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 160))])).toEqual([]);
  });
});
