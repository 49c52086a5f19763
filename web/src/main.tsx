import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/app.tsx";
import "./app/styles/tokens.css";
import "./app/styles/layout.css";
import "./app/styles/board.css";
import "./app/styles/detail.css";
import "./app/styles/waterfall.css";
import "./app/styles/correlations.css";
import "./app/styles/tables.css";
import "./app/styles/depth.css";
import "./app/styles/models.css";
import { FeedClient } from "./stream/client.ts";
import { monotonicNow } from "./stream/clock.ts";
import { FeedContext } from "./stream/context.ts";
import { DepthReader } from "./stream/depth-reader.ts";
import { ModelsReader } from "./stream/models-reader.ts";
import { FeedStore } from "./stream/store.ts";
import { Ticker } from "./stream/ticker.ts";

const TICK_EVERY_MS = 250;
const ANSWER_WITHIN_MS = 4_000;

function feedUrl(): string {
  const { protocol, host } = window.location;
  return `${protocol === "https:" ? "wss:" : "ws:"}//${host}/ws/realtime`;
}

async function fetchJson(path: string): Promise<unknown> {
  const response = await fetch(path, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  if (!response.ok) throw new Error(`the gateway answered ${response.status}`);
  return response.json();
}

const store = new FeedStore();
const client = new FeedClient({ store, openSocket: () => new WebSocket(feedUrl()), now: monotonicNow, random: Math.random });
const reader = new DepthReader({ store, fetchJson, now: monotonicNow });
const modelsReader = new ModelsReader({ store, fetchJson, now: monotonicNow });
const feed = { store, client, reader, modelsReader, ticker: new Ticker(TICK_EVERY_MS) };

client.start();
window.addEventListener("online", () => { client.retryNow(); });
window.addEventListener("pagehide", () => { client.stop(); });
window.addEventListener("pageshow", () => { client.start(); });

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <FeedContext value={feed}>
      <App />
    </FeedContext>
  </StrictMode>,
);
