// Debian's Chromium, and a page of it that remembers what went to its console.

import { chromium } from "playwright-core";

const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export function launch() {
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: ARGUMENTS });
}

// `errors`: what the console was told that is no plain log, and what was thrown.
export async function open(browser, url, { width = 1280, height = 900, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, ...options });
  const page = await context.newPage();
  const errors = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(url);
  return { page, errors, close: () => context.close() };
}

export function text(page, selector) {
  return page.locator(selector).textContent();
}

// The page's word for how the consumer is.
export async function awaitState(page, state, timeout) {
  await page.locator(`#state[data-state="${state}"]`).waitFor({ timeout });
}
