import { fireEvent, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { at, certificate, correlations, delta, featureHealth, metrics, prediction, snapshot, T0_US, venue, waterfall, welcome } from "../testing/builders.ts";
import { closePage, goLive, openPage, type Page } from "../testing/page.tsx";

let page: Page;

beforeEach(() => { page = openPage("/"); });
afterEach(closePage);

describe("the latency panel", () => {
  const told = (id: string): HTMLElement => screen.getByTestId(id);

  it("opens and closes from the latency tile, by key and by its own button", () => {
    goLive(page);
    const opener = within(screen.getByTestId("latency")).getByRole("button");
    expect([opener.getAttribute("aria-expanded"), screen.queryByTestId("waterfall")]).toEqual(["false", null]);
    fireEvent.click(opener);
    expect([opener.getAttribute("aria-expanded"), opener.getAttribute("aria-controls")]).toEqual(["true", told("waterfall").id]);
    fireEvent.keyDown(document.body, { key: "Escape" });
    expect(screen.queryByTestId("waterfall")).toBeNull();
    fireEvent.keyDown(document.body, { key: "l" });
    fireEvent.click(screen.getByRole("button", { name: "Close the latency panel" }));
    expect(screen.queryByTestId("waterfall")).toBeNull();
    expect(document.activeElement).toBe(opener);
  });

  it("shows the stages and the whole of one message, and the gateway's work last until the page can be timed", () => {
    goLive(page);
    fireEvent.keyDown(document.body, { key: "l" });
    const rows = [...told("waterfall").querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll("th, td.figure")].map((cell) => cell.textContent.replace("\u202f", " ")));
    expect(rows).toEqual([
      ["Ingest", "150 µs", "900 µs"], ["Bus to features", "350 µs", "2.0 ms"], ["Features", "700 µs", "3.0 ms"],
      ["Bus to predictor", "400 µs", "2.5 ms"], ["Predictor", "2.2 ms", "9.0 ms"], ["Bus to gateway", "400 µs", "2.8 ms"],
      ["Gateway", "300 µs", "1.5 ms"],
    ]);
    expect(told("total-gateway").textContent.replaceAll("\u202f", " ")).toBe("Socket to gateway4.2 ms18 ms");
    expect(screen.queryByTestId("total-page")).toBeNull();
    // 0.15 + 0.35 + 0.7 + 0.4 ms before the predictor, whose p99 of 9 ms reaches farthest
    expect([...told("scale").children].map((end) => end.textContent.replace("\u202f", " "))).toEqual(["0", "11 ms"]);
    expect(told("waterfall").textContent).toContain("4,800 predictions");
  });

  it("times the way to this page with its uncertainty", () => {
    goLive(page);
    fireEvent.keyDown(document.body, { key: "l" });
    page.feed(
      [{ kind: "round-trip", sentMs: 10, atMs: 12, serverUs: T0_US + 11_000 }],
      at(23, delta("predictions", prediction({ ts_gateway_us: T0_US + 20_000, latency_us: 4_000 }), { seq: 11, prev: 10 })),
      at(30, delta("metrics", metrics(), { seq: 2, prev: 1 })),
    );
    expect(told("stage-page").dataset["p50Us"]).toBe("3000");
    expect(told("total-page").textContent.replaceAll("\u202f", " ")).toBe("Socket to this page7.0 ms7.0 ms");
    expect(told("waterfall").textContent.replaceAll("\u202f", " ")).toContain("timed here, predictions: 1; right to within ±1.0 ms");
    expect(screen.getByTestId("latency").textContent.replaceAll("\u202f", " ")).toContain("3.0 ms+ to this page");
    expect(screen.queryByTestId("stage-gateway")).toBeNull();
  });

  it("is marked stale when predictions stop, though the gateway goes on", () => {
    goLive(page);
    fireEvent.keyDown(document.body, { key: "l" });
    expect(told("waterfall").dataset["stale"]).toBe("false");
    page.feed(at(4_000, { type: "heartbeat", server_ts_us: 1, connections: 1 }, delta("metrics", metrics({ waterfall: waterfall({ age_us: 4_020_000 }) }), { seq: 2, prev: 1 })));
    page.setNow(4_000);
    expect(told("waterfall").dataset["stale"]).toBe("true");
    expect(told("waterfall").textContent.replaceAll("\u202f", " ")).toContain("STALE 4 s");
  });

  it("says what it cannot tell: nothing in the last minute, clocks that disagree, a replay", () => {
    goLive(page);
    fireEvent.keyDown(document.body, { key: "l" });
    page.feed(at(1, welcome({ origin: "replay" }), delta("metrics", metrics({ waterfall: waterfall({ skewed: 3 }) }), { seq: 2, prev: 1 })));
    expect(told("waterfall").textContent).toContain("3 timings ran backwards");
    expect(told("waterfall").textContent).toContain("Replay: counted from when the recorded bytes were played here");
    page.feed(at(2, delta("metrics", metrics({ waterfall: waterfall({ count: 0, stages: [] }) }), { seq: 3, prev: 2 })));
    expect(told("waterfall").textContent).toContain("nothing to time");
  });
});

describe("the correlations panel", () => {
  const cell = (pair: string): HTMLElement => screen.getByTestId(`correlation-${pair}`);

  it("opens by key, writes each correlation, and says who leads and why a number is missing", () => {
    goLive(page);
    page.feed(at(0, snapshot("correlations", correlations(), { seq: 1 })));
    expect(screen.getByTestId("correlations").textContent).toContain("2 of 3correlated");
    fireEvent.keyDown(document.body, { key: "c" });
    expect([cell("BTCUSDT-ETHUSDT").textContent, cell("ETHUSDT-BTCUSDT").textContent]).toEqual(["−0.80", "−0.80"]);
    for (const pair of ["BTCUSDT-ETHUSDT", "ETHUSDT-BTCUSDT"]) expect(cell(pair).title).toContain("BTCUSDT leads by 2 s at −0.82");
    expect(screen.getAllByTitle(/ADAUSDT.*not known yet/)).toHaveLength(4);
    expect(screen.getByTestId("correlations-panel").textContent).toContain("no price in the window");
    fireEvent.keyDown(document.body, { key: "Escape" });
    expect(screen.queryByTestId("correlations-panel")).toBeNull();
  });

  it("is marked stale when nothing comes", () => {
    goLive(page);
    page.feed(at(0, snapshot("correlations", correlations(), { seq: 1 })));
    fireEvent.keyDown(document.body, { key: "c" });
    expect(screen.getByTestId("correlations-panel").dataset["stale"]).toBe("false");
    page.setNow(16_000);
    expect(screen.getByTestId("correlations-panel").dataset["stale"]).toBe("true");
  });
});

describe("feature health", () => {
  const tile = (): HTMLElement => screen.getByTestId("feature-health");
  const tell = (data = featureHealth()): void => { page.feed(at(0, snapshot("feature_health", data, { seq: 1 }))); };

  it("counts what was outside, missing, stale and masked, and names the worst feature", () => {
    goLive(page);
    expect(tile().textContent).toContain("–outside");
    const none = { warming: 0, masked: 0, missing: 0, outside: 0, stale: 0 };
    tell(featureHealth({ outside: 2, masked: 30, stale: 4, faults: [{ feature: "adx", ...none, masked: 30, stale: 4 }, { feature: "rsi", ...none, outside: 2 }] }));
    expect(tile().textContent).toContain("! 2outside0missing4stale30masked");
    expect(tile().title).toContain("rsi: 2 outside; adx: 4 stale, 30 masked");
  });

  it("claims nothing where no process is heard of, or nobody tells", () => {
    goLive(page);
    tell(featureHealth({ producers: 0 }));
    expect(tile().textContent).toContain("–outside");
    tell();
    page.setNow(4_000);
    expect(tile().textContent).toContain("STALE");
    expect(tile().textContent).toContain("–outside");
  });
});

describe("the parity certificate", () => {
  const tile = (): HTMLElement => screen.getByTestId("certificate");
  const verdict = (): string | undefined => tile().querySelector<HTMLElement>("[data-verdict]")?.dataset["verdict"];
  const tell = (data = certificate()): void => { page.feed(at(0, snapshot("certificate", data, { seq: 1 }))); };

  it("says over how many vectors live features were equal, and how long ago", () => {
    goLive(page);
    expect([verdict(), tile().textContent]).toEqual(["unknown", expect.stringContaining("not checked yet")]);
    tell();
    page.setNow(3_000);
    expect([verdict(), tile().textContent]).toEqual(["equal", expect.stringMatching(/equalof 300 vectorschecked 5\.0\ss ago/)]);
  });

  it("names the feature, the event and both values where one differs", () => {
    goLive(page);
    const difference = { venue: "sim", symbol: "BTCUSDT", asof_seq: 901, feature: "rsi", published: "51.25", recomputed: "51.2", ts_found_us: T0_US };
    tell(certificate({ verdict: "different", different: 2, difference, unchecked: 3, reasons: { recording_lost: 3 } }));
    expect([verdict(), tile().textContent]).toEqual(["different", expect.stringContaining("! 2 differof 302 vectors")]);
    expect(tile().title).toContain("BTCUSDT 901: rsi was published as 51.25, the recording gives 51.2");
    expect(tile().title).toContain("3 not checkable: recording lost");
  });

  it("claims nothing once nobody has told for its time to live", () => {
    goLive(page);
    tell();
    page.setNow(121_000);
    expect([verdict(), tile().textContent]).toEqual(["unknown", expect.stringContaining("STALE")]);
  });
});

describe("the venues panel", () => {
  const tell = (...venues: ReturnType<typeof venue>[]): void => { page.feed(at(0, snapshot("venues", { venues }, { seq: 1 }))); };
  const cells = (name: string): string[] =>
    [...screen.getByTestId(`venue-${name}`).querySelectorAll("td")].map((cell) => cell.textContent.replaceAll("\u202f", " "));

  it("counts in its tile those that are connected and heard of, and opens by key", () => {
    goLive(page);
    tell(venue(), venue({ venue: "kraken", state: "degraded" }), venue({ venue: "bybit", stale: true, age_ms: 9_000 }));
    expect(screen.getByTestId("venues").textContent).toContain("! 1 of 3connected");
    fireEvent.keyDown(document.body, { key: "v" });
    expect(screen.getByTestId("venues-panel")).toBeTruthy();
    fireEvent.keyDown(document.body, { key: "Escape" });
    expect(screen.queryByTestId("venues-panel")).toBeNull();
    expect(document.activeElement).toBe(within(screen.getByTestId("venues")).getByRole("button"));
  });

  it("tells of each venue its state, connections, clock, latency and budget, and says why something is not known", () => {
    goLive(page);
    tell(venue(), venue({
      venue: "kraken", state: "maintenance", notice: "until 22:30 UTC", connections_open: 0, live: 0, clock_offset_ms: null, clock_error_ms: null,
      latency_ms: null,
    }));
    fireEvent.keyDown(document.body, { key: "v" });
    expect(cells("sim")).toEqual(["●connected", "2 of 2", "2 of 2", "−1.3 ±0.4 ms", "3.5 ms", "5 %", "0.2 s ago"]);
    expect(screen.getByTestId("venue-kraken").dataset["state"]).toBe("maintenance");
    expect(cells("kraken")[0]).toBe("◷maintenanceuntil 22:30 UTC");
    expect(within(screen.getByTestId("venue-kraken")).getAllByTitle(/has not been compared|No message with/)).toHaveLength(2);
  });

  it("marks a venue stale that is not heard of any more, and all of them when nothing comes", () => {
    goLive(page);
    tell(venue(), venue({ venue: "bybit", stale: true, age_ms: 9_000 }));
    fireEvent.keyDown(document.body, { key: "v" });
    const stale = (name: string): string | undefined => screen.getByTestId(`venue-${name}`).dataset["stale"];
    expect([stale("sim"), stale("bybit"), cells("bybit").at(-1)]).toEqual(["false", "true", "STALE 9 s"]);
    page.setNow(6_000);
    expect([stale("sim"), cells("sim").at(-1), screen.getByTestId("venues-panel").dataset["stale"]]).toEqual(["true", "STALE 6 s", "true"]);
  });
});
