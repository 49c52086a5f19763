import { act, fireEvent, screen, within } from "@testing-library/react";
import axe from "axe-core";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { ContestPoint, ModelsAnswers, ModelsData } from "../stream/models.ts";
import { at, BTC, calibration, delta, ETH, prediction, snapshot, T0_US, ticks, welcome } from "../testing/builders.ts";
import { contest, decisionTold, featureDrift, models, modelsAnswers, trackPoint } from "../testing/model-builders.ts";
import { closePage, goLive, openPage, type Page } from "../testing/page.tsx";

const S = 1_000_000;
let page: Page;

/** The view is fetched when it is first looked at; from then on it is there. */
beforeAll(async () => {
  page = openPage("/#models");
  open();
  expect(document.body.textContent).toContain("The model view is on its way.");
  await act(async () => { await import("../features/models/models-view.tsx"); });
  expect(screen.getByTestId("models")).toBeTruthy();
  closePage();
});

beforeEach(() => { page = openPage("/#models"); });
afterEach(closePage);

const plain = (element: HTMLElement | null | undefined): string => (element?.textContent ?? "").replaceAll("\u202f", " ");
const told = (id: string): string => plain(screen.getByTestId(id));
const data = (id: string): DOMStringMap => screen.getByTestId(id).dataset;
const lines = (id: string): string[] => within(screen.getByTestId(id)).getAllByTestId("line").map((line) => line.dataset["points"] ?? "");

/** The gateway greets and its clock is known: it is `T0_US` at 0 ms. */
function open(): void {
  page.feed([{ kind: "opened", atMs: 0 }], at(0, welcome(), snapshot("ticks", ticks(), { seq: 9 })), [{ kind: "round-trip", sentMs: 0, atMs: 0, serverUs: T0_US }]);
}

function tell(changes: Partial<ModelsData> = {}, answers?: Parameters<typeof modelsAnswers>[0]): void {
  open();
  page.feed(at(0, snapshot("models", models(changes), { seq: 1 })));
  if (answers !== undefined) answer(modelsAnswers(answers));
}

function answer(told_: ModelsAnswers): void {
  page.feed([{ kind: "models", atMs: 0, id: BTC, told: told_ }]);
}

describe("the way to the models", () => {
  it("is an address, which makes REST be asked, and the focus goes to its heading", () => {
    open();
    expect([data("models")["instrument"], page.judged, document.activeElement?.textContent]).toEqual([BTC, [BTC], "Model"]);
    expect(screen.queryByRole("grid")).toBeNull();
    expect(told("origin")).toContain("SIMULATED");
    expect(told("models")).toContain("SIMULATED");
  });

  it("is a link in the top bar and the key e, there and back, from the depth too", () => {
    page.unmount();
    page = openPage("/");
    goLive(page);
    const link = screen.getByRole("link", { name: "Model" });
    expect([link.getAttribute("href"), link.getAttribute("aria-current")]).toEqual([`#models/${BTC}`, null]);
    for (const [key, hash] of [["e", `#models/${BTC}`], ["m", `#depth/${BTC}`], ["e", `#models/${BTC}`], ["Escape", `#${BTC}`]] as const) {
      fireEvent.keyDown(document.body, { key });
      act(() => { window.dispatchEvent(new Event("hashchange")); });
      expect(window.location.hash).toBe(hash);
      expect(screen.queryByTestId("models") !== null).toBe(hash.startsWith("#models"));
    }
    expect([document.activeElement, page.judged.at(-1)]).toEqual([page.row(BTC), null]);
    fireEvent.keyDown(document.body, { key: "?" });
    expect(told("shortcuts")).toContain("eThe model");
  });

  it("goes on to another instrument in the same view", () => {
    open();
    fireEvent.change(screen.getByRole("combobox", { name: "Instrument" }), { target: { value: ETH } });
    expect([data("models")["instrument"], window.location.hash, page.judged.at(-1)]).toEqual([ETH, `#models/${ETH}`, ETH]);
  });
});

describe("who serves", () => {
  it("is told with since when, why, and when the next training is due", () => {
    tell({ predecessor_id: "ensemble-0" }, {});
    expect([data("champion")["modelId"], data("models")["modelId"]]).toEqual(["ensemble-1", "ensemble-1"]);
    expect(told("serves-since")).toBe("In service since01-15 07:59:50 10 s ago");
    expect(told("serves-why")).toContain("nobody who fits was in service");
    expect(told("trained")).toBe("TrainedSIM 01-15 07:59:40 20 s agoasked for: the newest model was old enough");
    expect(told("predecessor")).toBe("A rollback brings backensemble-0");
    expect(told("training-due")).toBe("Next trainingin 10 min");
    expect(told("exam")).toContain("log loss 0.9375 prior 1.0447, error 1.6 %, Brier 0.558");
    page.setNow(600_000);
    expect(told("training-due")).toContain("due now");
  });

  it.each([
    [{ training_due_us: null }, "never for age"], [{ failed_trainings: 1, training_asked_us: T0_US - 42 * S }, "the last request, 01-15 07:59:18 42 s ago, has brought no model yet"],
    [{ failed_trainings: 3 }, "! the last 3 requests have brought no model"],
  ] as const)("of training, %o is told as %s", (changes, words) => {
    tell(changes);
    expect(told("training-due")).toContain(words);
  });

  it("is nobody yet, with what to wait for", () => {
    open();
    expect(told("champion")).toContain("The gateway has told nothing of models yet.");
    page.feed(at(0, snapshot("models", models({ champion_id: null, entry: null, decision: null, trained_us: null, trained_on: null, faults: ["no model that can serve here is in the store"] }), { seq: 1 })));
    expect(told("champion")).toContain("No model serves yet");
    expect(told("model-faults")).toBe("! no model that can serve here is in the store");
    expect(screen.queryByTestId("serves-since")).toBeNull();
  });

  it("is marked where it was trained on data of another kind, and a dash says why where its entry is not known", () => {
    tell({ trained_on: "replay", entry: null });
    expect(told("champion")).toContain("! untested here");
    expect(within(screen.getByTestId("serves-since")).getByTitle("Longer ago than the decisions that the gateway keeps")).toBeTruthy();
  });
});

describe("a swap while the page is open", () => {
  it("changes who serves at once, and the importance is marked until it is that of the new model", () => {
    tell({}, {});
    expect([data("importance")["stale"], data("importance")["modelId"]]).toEqual(["false", "ensemble-1"]);
    const entry = decisionTold({ reason: "better", detail: "0.00100 nats", model_id: "ensemble-2", champion_id: "ensemble-2", ts_us: T0_US });
    page.feed(at(1, delta("models", models({ champion_id: "ensemble-2", predecessor_id: "ensemble-1", entry, decision: entry }), { seq: 2, prev: 1 })));
    expect([data("champion")["modelId"], told("serves-why")]).toEqual(["ensemble-2", "Becauseproven better in its trial0.00100 nats"]);
    expect([data("importance")["stale"], told("importance")]).toEqual(["true", expect.stringContaining("of the model before; asking")]);
    answer(modelsAnswers({ answer: { champion_id: "ensemble-2", trail: [entry, decisionTold()] } }));
    expect([data("importance")["stale"], screen.getAllByTestId("decision-row").length]).toEqual(["false", 2]);
  });

  it("breaks the lines where the figures are of another model", () => {
    tell({}, { track: { points: [trackPoint(-60), trackPoint(-30), trackPoint(0, { model_id: "ensemble-2", coverage_frac: null, intervals: 0 }), trackPoint(30, { model_id: "ensemble-2" })] } });
    expect([lines("coverage-panel"), lines("loss-panel")]).toEqual([["2", "1"], ["2", "2", "2", "2"]]);
    expect(within(screen.getByTestId("coverage-panel")).getAllByTestId("mark").length).toBe(1);
  });
});

describe("the models on trial", () => {
  const point = (seconds: number, blocks: number, evidence = 2): ContestPoint => ({
    ts_us: T0_US + seconds * S, champion_id: "ensemble-1", loss_nats: 0.9, contests: [contest({ blocks, evidence })],
  });

  it("have their wealth against the limit, in figures and over time", () => {
    tell({ contests: [contest({ disputed_frac: 0.02 })] }, { contests: { points: [point(-60, 100), point(-30, 110), point(0, 120)] } });
    const rival = screen.getByTestId("rival-ensemble-2");
    expect(plain(within(rival).getByTestId("blocks"))).toBe("Blocks compared120 of at most 14,400");
    expect(plain(within(rival).getByTestId("gain"))).toBe("Better by+0.00120 nats a prediction");
    expect(plain(within(rival).getByTestId("evidence"))).toBe("Wealth for promoting it4.00 of 20.0");
    expect(plain(within(rival).getByTestId("against"))).toBe("Wealth for its being worse0.250");
    expect(plain(within(rival).getByTestId("disputed"))).toBe("Left out2.0 %");
    expect(lines("contests")).toEqual(["3", "3"]);
    expect(within(rival).getByRole("img").getAttribute("aria-label")).toBe("Wealth of ensemble-2 on a logarithmic scale: 4.00 of the 20.0 that decide");
  });

  it("are not joined over a watch that began anew", () => {
    tell({ contests: [contest()] }, { contests: { points: [point(-60, 110), point(-30, 120), point(0, 3)] } });
    expect(lines("contests")).toEqual(["2", "1", "2", "1"]);
  });

  it("include the one that served before, on probation", () => {
    tell({ contests: [contest({ model_id: "ensemble-0", is_predecessor: true })] }, {});
    const rival = screen.getByTestId("rival-ensemble-0");
    expect([rival.dataset["predecessor"], plain(rival)]).toEqual(["true", expect.stringContaining("on probation, served before")]);
    expect(plain(rival)).toContain("Wealth for bringing it back");
    expect(plain(rival)).toContain("Its wealth over time is not known yet.");
  });

  it("are none, or not told of, or stale, and it is said which", () => {
    open();
    expect(told("contests")).toContain("predictor.watch has told nothing yet");
    page.feed(at(0, snapshot("models", models(), { seq: 1 })));
    expect(told("contests")).toContain("No model is on trial.");
    expect([data("contests")["stale"], data("drift")["stale"]]).toEqual(["false", "false"]);
    page.setNow(31_000);
    expect([data("contests")["stale"], data("drift")["stale"], data("models")["stale"]]).toEqual(["true", "true", "true"]);
    expect(told("contests")).toContain("STALE 31 s");
    expect(data("champion")["stale"]).toBeUndefined();
  });
});

describe("the decisions", () => {
  it("are listed with their reasons, the newest first", () => {
    const refused = decisionTold({ kind: "refused", reason: "not_better", detail: "proven worse", model_id: "ensemble-2", ts_us: T0_US, statistics: { e_value: 0.01234567 } });
    tell({}, { answer: { trail: [refused, decisionTold({ kind: "training_asked", reason: "age", detail: "", model_id: null, ts_us: T0_US - S }), decisionTold()] } });
    const rows = screen.getAllByTestId("decision-row");
    expect(rows.map((row) => row.dataset["kind"])).toEqual(["refused", "training_asked", "promoted"]);
    expect(plain(rows[0])).toBe("⨯ refusedensemble-201-15 08:00:00not proven better in its trial: proven worse");
    expect(rows[0]?.title).toBe("By predictor.watch-0; e_value 0.01235");
  });

  it("are none yet, or not answered, and why", () => {
    tell();
    expect(told("trail")).toContain("The gateway has not answered yet.");
    page.feed([{ kind: "models-unanswered", atMs: 0, id: BTC, reason: "the gateway answered 503" }]);
    expect(within(screen.getByTestId("models")).getByTitle("the gateway answered 503").textContent).toBe("! no answer");
    answer(modelsAnswers({ answer: { trail: [] } }));
    expect(told("trail")).toContain("Nothing has been decided yet");
  });
});

describe("calibration", () => {
  it("is of all markets, or of one kind, with its counts, and says where they are too few", () => {
    tell();
    expect(told("reliability")).toContain("Too few outcomes: the first word on calibration comes after 50");
    page.feed(at(0, snapshot("predictions", prediction(), { seq: 1 }), snapshot("calibration", calibration(), { seq: 1 })));
    const figures = () => ["outcomes", "ece", "brier", "held"].map((name) => plain(within(screen.getByTestId("reliability")).getByTestId(name)));
    expect(figures()).toEqual([
      "Outcomes40! too few to judge: it takes 500, as 5 in a row share their prices", "Calibration error5.0 %", "Brier score0.500", "Intervals that held92.5 % of 40",
    ]);
    fireEvent.change(screen.getByRole("combobox", { name: "Kind of market" }), { target: { value: "rough, trending" } });
    expect([data("reliability")["regime"], figures()[0]]).toEqual(["rough, trending", expect.stringContaining("Outcomes30")]);
    const [all] = [calibration().total];
    page.feed(at(1, delta("calibration", calibration({ total: { ...all, count: 500 }, regimes: [] }), { seq: 2, prev: 1 })));
    expect([data("reliability")["regime"], figures()[0]]).toEqual(["all", "Outcomes500"]);
    page.setNow(61_000);
    expect(data("reliability")["stale"]).toBe("true");
  });
});

describe("the last hour", () => {
  it("is coverage with its band, and log loss beside the prior's", () => {
    tell({}, { track: { points: [trackPoint(-120), trackPoint(-30), trackPoint(0)] } });
    expect([lines("coverage-panel"), lines("loss-panel")]).toEqual([["1", "2"], ["1", "2", "1", "2"]]);
    expect(within(screen.getByTestId("coverage-panel")).getAllByTestId("band").length).toBe(2);
    const labels = ["coverage-panel", "loss-panel"].map((id) => within(screen.getByTestId(id)).getByRole("img").getAttribute("aria-label")?.replaceAll("\u202f", " "));
    expect(labels).toEqual([
      "Share of intervals of BTCUSDT that held: 90.0 % of the last 2,000, 90 % should",
      "Log loss on BTCUSDT: 0.9400 over the last 2,100 outcomes, the prior's 1.0400 nats",
    ]);
  });

  it("says why it is empty, and why it does not go back further", () => {
    tell();
    expect(told("coverage-panel")).toContain("The gateway has not answered yet.");
    answer(modelsAnswers({ track: { points: [], target_frac: null, reason: "stream OUTCOMES does not answer" } }));
    expect(told("coverage-panel")).toContain("Too few outcomes: intervals begin after 50");
    expect(told("loss-panel")).toContain("No outcomes are known yet");
    answer(modelsAnswers({ track: { points: [trackPoint(0, { count: 499 })], reason: "stream OUTCOMES does not answer" } }));
    expect(told("loss-panel")).toContain("Too few outcomes: 499 of the 500");
    expect(told("loss-panel")).toContain("! Earlier points are missing: stream OUTCOMES does not answer");
  });

  it("of all instruments says whether each covers as it should and beats the prior", () => {
    const score = { count: 2_100, accuracy_frac: 0.6, prior_accuracy_frac: 0.45, log_loss: 0.9, prior_log_loss: 1.04, decided: 1, decided_accuracy_frac: 1, abstained_accuracy_frac: 0 };
    let seq = 4;
    const row = (changes: object) => {
      seq += 1;
      page.feed(at(1, snapshot("predictions", prediction(changes), { seq })));
      return told(`live-${BTC}`);
    };
    tell();
    expect([data(`live-${ETH}`)["coverage"], told(`live-${ETH}`)]).toEqual(["", expect.stringContaining("–")]);
    expect(row({ score, coverage: { count: 2_000, coverage_frac: 0.9, target_frac: 0.9 } })).toBe("BTCUSDT90.0 % of 2,000as it should0.900 1.040ahead");
    expect(row({ coverage: { count: 2_000, coverage_frac: 0.8, target_frac: 0.9 } })).toContain("! too seldom");
    expect(row({ coverage: { count: 400, coverage_frac: 0.8, target_frac: 0.9 } })).toContain("too few");
    page.setNow(3_500);
    expect(data(`live-${BTC}`)["stale"]).toBe("true");
  });
});

describe("drift", () => {
  it("has each feature against both limits, the alarms counted, with when it was looked at", () => {
    const drift = [featureDrift({ name: "imb_1", psi: 0.5, ks: 0.3, is_alarm: true }), featureDrift(), featureDrift({ name: "of_another_schema" })];
    tell({ drift, drift_rows: 14_400, drift_compared: 60, drift_alarms: 1, drift_looked_us: T0_US - 42 * S, loss_nats: 0.9123, loss_stretches: 7 });
    expect([data("drift")["alarms"], told("drift")]).toEqual(["1", expect.stringContaining("! 1 beyond both limits")]);
    expect(told("drift-looked")).toBe("Features looked at60 over 14,400 vectors, 01-15 07:59:18 42 s ago");
    expect(told("drift-imb_1")).toBe("! Imbalance0.50 of 0.250.30 of 0.20");
    expect([told("drift-ret_1"), told("drift-of_another_schema")]).toEqual(["Return0.10 of 0.250.05 of 0.20", "of_another_schema0.10 of 0.250.05 of 0.20"]);
    expect(told("error-drift")).toContain("0.9123 nats has not risen 7 stretches");
    page.feed(at(1, delta("models", models({ loss_nats: 1.1, is_error_drift: true }), { seq: 2, prev: 1 })));
    expect(told("error-drift")).toContain("! has risen");
  });

  it("that was not looked at yet says what it waits for", () => {
    tell();
    expect([told("drift-looked"), told("error-drift")]).toEqual([expect.stringContaining("nothing to compare with yet"), expect.stringContaining("no stretch of outcomes has ended yet")]);
    page.feed(at(1, delta("models", models({ drift_rows: 120 }), { seq: 2, prev: 1 })));
    expect(told("drift-looked")).toContain("not yet: it takes some minutes of data, 120 vectors so far");
  });
});

describe("importance", () => {
  it("has the registry's labels, the largest first, and how stable it is", () => {
    tell({}, { answer: { importance: { ret_1: 0.01, gone: 0.02, imb_1: 0.04 } } });
    expect([...screen.getByTestId("importance").querySelectorAll("li")].map(plain)).toEqual(["Imbalance microstructure0.040", "gone 0.020", "Return returns0.010"]);
    expect(told("stability")).toContain("Stability 1.00");
    answer(modelsAnswers({ answer: { importance: {}, metrics: {} } }));
    expect(told("importance")).toContain("This model came without importances.");
  });
});

describe("accessibility", () => {
  it("has no violation that axe finds without a layout", async () => {
    const drift = [featureDrift({ is_alarm: true })];
    tell({ contests: [contest()], drift, drift_compared: 60, drift_rows: 9, drift_looked_us: T0_US, faults: ["x"] }, { contests: { points: [{ ts_us: T0_US, champion_id: "ensemble-1", loss_nats: 1, contests: [contest()] }] } });
    page.feed(at(0, snapshot("calibration", calibration(), { seq: 1 })));
    vi.useRealTimers();
    const { violations } = await axe.run(document.body, { rules: { "color-contrast": { enabled: false }, region: { enabled: false } } });
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 160))])).toEqual([]);
  });
});
