/**
 * Takes pictures of the page in headless Chromium, to look at them: node scripts/screenshots.mjs <folder> [--url ...]
 * [--wait seconds] [--press keys] [--full]. CHROMIUM names the browser.
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { url: { type: "string", default: "http://127.0.0.1:8000/" }, wait: { type: "string", default: "3" }, press: { type: "string", default: "" }, name: { type: "string", default: "page" }, full: { type: "boolean", default: false } },
});
const folder = positionals[0] ?? "../test-results/screenshots";
const SIZES = { desktop: [1440, 900], tablet: [900, 1100], phone: [390, 844] };

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
let faults = 0;
for (const [size, [width, height]] of Object.entries(SIZES)) {
  const page = await browser.newPage({ viewport: { width, height }, deviceScaleFactor: size === "phone" ? 2 : 1 });
  page.on("console", (message) => {
    if (message.type() !== "error") return;
    faults += 1;
    process.stderr.write(`${size}: ${message.text()}\n`);
  });
  page.on("pageerror", (error) => {
    faults += 1;
    process.stderr.write(`${size}: ${error.message}\n`);
  });
  await page.goto(values.url);
  await page.waitForTimeout(Number(values.wait) * 1_000);
  for (const key of values.press.split(" ").filter(Boolean)) await page.keyboard.press(key);
  await page.waitForTimeout(300);
  await page.screenshot({ path: join(folder, `${values.name}-${size}.png`), fullPage: values.full });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  process.stdout.write(`${size}: page height ${await page.evaluate(() => document.documentElement.scrollHeight)}, sideways overflow ${overflow}\n`);
  await page.close();
}
await browser.close();
process.exitCode = faults > 0 ? 1 : 0;
