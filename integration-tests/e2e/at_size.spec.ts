// The lists with as many hosts as the server has: that they stay small, and how long they take. The times are written to
// the file RM_E2E_PACE, where one is named; nothing here fails because a machine was slow.

import { writeFileSync } from "node:fs";
import { type Page } from "@playwright/test";
import { expect, inspect, logIn, picture, test } from "./fixture.ts";

const ROUNDS = 12;
// Source: the budgets of the console's pages.
const MOST_NODES = 3_000;
const MOST_ROWS = 50;

test("pages with all hosts are small, and act in time", async ({ page }) => {
  const interactions: number[] = [];
  await logIn(page, "/hosts");
  await expect(page.locator("tbody tr")).not.toHaveCount(0);
  await expectSmall(page);
  await inspect(page, "hosts-at-size");
  await picture(page, "hosts");

  for (let round = 0; round < ROUNDS; round++) {
    for (const column of ["Host", "Last backup", "Health"]) {
      interactions.push(await sortBy(page, column));
    }
    await expectSmall(page);
    for (const words of ["w", "d", "n", "web-0", ""]) {
      interactions.push(await filterBy(page, words));
    }
    await expectSmall(page);
  }
  const hosts = await largestPaint(page, "/hosts");
  const overview = await largestPaint(page, "/");
  await expectSmall(page);
  await inspect(page, "overview-at-size");
  await picture(page, "overview");

  if (process.env.RM_E2E_PACE) writeFileSync(process.env.RM_E2E_PACE, JSON.stringify({ interactions, hosts, overview }));
});

async function expectSmall(page: Page) {
  expect(await page.locator("tbody tr").count(), "rows").toBeLessThanOrEqual(MOST_ROWS);
  expect(await page.locator("*").count(), "nodes").toBeLessThanOrEqual(MOST_NODES);
}

// Milliseconds from the click to the paint of the list in its new order.
async function sortBy(page: Page, column: string) {
  return page.evaluate(async (column) => {
    const frame = () => new Promise(requestAnimationFrame);
    const head = [...document.querySelectorAll("th")].find((head) => head.textContent?.trim().startsWith(column))!;
    const first = () => document.querySelector("tbody tr")?.textContent;
    const [before, order] = [first(), head.ariaSort];
    const began = performance.now();
    head.querySelector("button")!.click();
    while ((head.ariaSort === order || first() === before) && performance.now() - began < 10_000) await frame();
    await frame();
    return performance.now() - began;
  }, column);
}

// Milliseconds from a change of the filter to the paint of what matches.
async function filterBy(page: Page, words: string) {
  return page.evaluate(async (words) => {
    const frame = () => new Promise(requestAnimationFrame);
    const input = document.querySelector<HTMLInputElement>("input[type=search]")!;
    const shown = () => document.querySelector("[role=status]")?.textContent + document.querySelector("tbody")!.textContent!;
    const before = shown();
    const began = performance.now();
    input.value = words;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    while (shown() === before && performance.now() - began < 2_000) await frame();
    await frame();
    return performance.now() - began;
  }, words);
}

// Milliseconds until the largest part of a page is painted that is opened anew.
async function largestPaint(page: Page, path: string) {
  await page.goto(path);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator("main [aria-busy=true]")).toHaveCount(0);
  return page.evaluate(
    () =>
      new Promise<number>((found) => {
        new PerformanceObserver((list) => found(list.getEntries().at(-1)!.startTime)).observe({
          type: "largest-contentful-paint",
          buffered: true,
        });
      }),
  );
}
