import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/app.tsx";
import "./app/styles/tokens.css";
import "./app/styles/layout.css";
import "./app/styles/board.css";
import "./app/styles/detail.css";
import "./app/styles/waterfall.css";
import "./app/styles/tables.css";
import { FeedClient } from "./stream/client.ts";
import { monotonicNow } from "./stream/clock.ts";
import { FeedContext } from "./stream/context.ts";
import { FeedStore } from "./stream/store.ts";
import { Ticker } from "./stream/ticker.ts";

const TICK_EVERY_MS = 250;

function feedUrl(): string {
  const { protocol, host } = window.location;
  return `${protocol === "https:" ? "wss:" : "ws:"}//${host}/ws/realtime`;
}

const store = new FeedStore();
const client = new FeedClient({ store, openSocket: () => new WebSocket(feedUrl()), now: monotonicNow, random: Math.random });
const feed = { store, client, ticker: new Ticker(TICK_EVERY_MS) };

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
