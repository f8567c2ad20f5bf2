// What goes on when something else does not: a session that ends in an editor, a server that is away for a while.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ADMIN, enter, expect, inspect, order, test, WIDTHS } from "./fixture.ts";

const SOURCE = join(process.env.RM_E2E_DATA!, "<svg onload=hit('path')>'\"&{{x}}");

test.beforeEach(async ({ page }) => {
  await enter(page, "/hosts");
  await expect(page.getByRole("heading", { name: "Hosts", exact: true })).toBeVisible();
});

test("a session that ends in an editor costs nothing of what was typed", async ({ page, context }) => {
  await page.goto("/repositories");
  await page.getByRole("link", { name: process.env.RM_E2E_REPOSITORY!, exact: true }).click();
  await page.getByRole("region", { name: "Location" }).getByRole("button", { name: "Edit" }).click();
  const editor = page.getByRole("dialog", { name: "Edit name and location" });
  await editor.getByLabel("Name").fill("disk of web-01");
  await context.clearCookies();
  await editor.getByRole("button", { name: "Save" }).click();

  const login = page.getByRole("dialog", { name: "Your session has ended" });
  await expect(login).toBeVisible();
  await inspect(page, "session-ended-editor", WIDTHS.slice(1));
  await login.getByLabel("Password", { exact: true }).fill("not the password");
  await page.keyboard.press("Enter");
  await expect(login.getByRole("alert")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(login).toBeVisible();
  await expect(editor.getByLabel("Name")).toHaveValue("disk of web-01");
  await login.getByLabel("Password", { exact: true }).fill(ADMIN.password);
  await page.keyboard.press("Enter");

  await expect(login).toBeHidden();
  await expect(editor).toBeHidden();
  await expect(page.getByRole("heading", { name: "disk of web-01", level: 1 })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { name: "disk of web-01", level: 1 })).toBeVisible();
});

test("a server that is away for a while leaves no gap and nothing twice", async ({ page, complaints }) => {
  rmSync(join(SOURCE, "fails"), { force: true });
  writeFileSync(join(SOURCE, "waits"), "");
  await page.getByRole("link", { name: "evil-01" }).click();
  await page.getByRole("button", { name: "Run backup" }).click();
  const log = page.getByRole("log");
  const notes = async () => (await log.innerText()).match(/note \d+\./g) ?? [];
  await expect.poll(async () => (await notes()).length, { timeout: 60_000 }).toBeGreaterThan(5);

  await order("stop-server");
  const live = page.locator(".live");
  await expect(live).toContainText("paused, as of", { timeout: 60_000 });
  const before = (await notes()).length;
  expect(before).toBeGreaterThan(5);
  await inspect(page, "server-away", WIDTHS.slice(0, 1));

  // What is asked for now is refused with a next step, and not lost.
  await page.getByRole("button", { name: "Cancel job" }).click();
  await expect(page.getByText("The server cannot be reached").first()).toBeVisible();

  await order("start-server");
  await expect(live).toHaveText("live", { timeout: 60_000 });
  await expect.poll(async () => (await notes()).length, { timeout: 90_000 }).toBeGreaterThan(before + 5);
  rmSync(join(SOURCE, "waits"));
  await expect(page.getByText("Finished with warnings").first()).toBeVisible({ timeout: 60_000 });
  const all = await notes();
  expect(all).toEqual(all.map((_, index) => `note ${index + 1}.`));

  // The browser itself reports each attempt that found no server.
  const others = complaints.filter((complaint) => !/net::ERR_/.test(complaint));
  complaints.splice(0, complaints.length, ...others);
});
