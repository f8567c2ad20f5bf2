// The fleet at a glance, the jobs of all hosts, and what a host's page has besides its summary.

import { existsSync, writeFileSync } from "node:fs";

import type { Page } from "@playwright/test";

import { enter, expect, inspect, test, WIDTHS } from "./fixture.ts";

const HOST = "web-01";
const NARROW = [...WIDTHS, { name: "320", width: 320, height: 800 }];

test.beforeEach(async ({ page }) => {
  await enter(page, "/");
  await expect(page.getByRole("heading", { name: "Hosts", exact: false, level: 2 })).toBeVisible();
});

test("the overview says in one sentence whether the fleet is protected, and its numbers are lists", async ({ page }) => {
  // The last backup was cancelled, which says nothing about whether backups work.
  await expect(page.getByRole("heading", { level: 1, name: "Everything is backed up" })).toBeVisible();
  await expect(page).toHaveTitle("Overview — restic-manager");
  await expect(page.getByText(/^as of \d\d:\d\d:\d\d$/)).toBeVisible();
  await expect(page.getByText("100 % of the fleet")).toBeVisible();
  await expect(page.getByRole("heading", { name: "Needs attention" })).toHaveCount(0);

  const card = page.getByRole("listitem").filter({ has: page.getByRole("link", { name: HOST, exact: true }) });
  await expect(card.getByRole("img", { name: /^Last backups: 1 ok/ })).toBeVisible();
  await expect(page.getByRole("table", { name: "Recent jobs" }).getByRole("row")).not.toHaveCount(1);
  await inspect(page, "overview", NARROW);

  await page.getByRole("link", { name: /^OK/ }).click();
  await expect(page).toHaveURL(/\/hosts\?health=ok$/);
  await page.goBack();
  await page.getByRole("link", { name: "1 host", exact: true }).click();
  await expect(page).toHaveURL(/\/hosts$/);
});

test("the overview is walked through with the keyboard", async ({ page }) => {
  await page.getByRole("link", { name: "restic-manager" }).focus();
  const seen: string[] = [];
  for (let step = 0; step < 30 && !seen.includes(HOST); step += 1) {
    await page.keyboard.press("Tab");
    seen.push(await page.evaluate(() => document.activeElement?.textContent?.trim() ?? ""));
  }
  const order = ["Overview", "Hosts", "Jobs", "1 host", HOST].map((name) => seen.indexOf(name));
  expect(order, seen.join(" | ")).toEqual([...order].sort((one, other) => one - other));
  expect(order).not.toContain(-1);

  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: HOST })).toBeFocused();
});

test("the overview follows what runs, and the list of jobs shows how far it is", async ({ page, context }) => {
  const other = await context.newPage();
  await other.goto("/");
  await expect(other.getByRole("heading", { level: 1, name: "Everything is backed up" })).toBeVisible();
  await startBackup(page);

  await expect(other.getByRole("heading", { level: 1, name: "Backing up now, all protected" })).toBeVisible();
  await other.getByRole("link", { name: "1 job runs" }).click();
  await expect(other).toHaveURL(/\/jobs\?status=running&range=all$/);
  const row = other.getByRole("row", { name: new RegExp(`Running.*${HOST}`) });
  await expect(row).toBeVisible();
  await expect(row.getByRole("progressbar", { name: `backup of ${HOST}` })).toBeVisible();
  await inspect(other, "jobs-running", WIDTHS.slice(0, 1));

  await row.getByRole("button", { name: `Cancel backup of ${HOST}` }).click();
  // The row says how it ended, and leaves a list of what runs once nobody is in it.
  await expect(other.getByRole("row", { name: new RegExp(`Cancelled.*${HOST}`) })).toBeVisible({ timeout: 60_000 });
  await other.mouse.move(0, 0);
  await other.getByRole("heading", { level: 1 }).focus();
  await expect(other.getByRole("heading", { name: "No jobs match" })).toBeVisible();
  await expect(other.getByText("“state:running” is true for no job at any time.")).toBeVisible();
  await inspect(other, "jobs-none-match");
  await other.getByRole("button", { name: "Clear filters" }).click();
  await expect(other).toHaveURL(/\/jobs$/);
});

test("the filters of the jobs are in the address", async ({ page }) => {
  await page.getByRole("link", { name: "All jobs" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Jobs" })).toBeVisible();
  await expect(page.getByRole("row", { name: /Succeeded.*backup/ }).first()).toBeVisible();
  await inspect(page, "jobs", NARROW);

  await page.getByLabel("Kind").selectOption({ label: "backup" });
  await page.getByLabel("State").selectOption({ label: "Cancelled" });
  await page.getByLabel("Host").selectOption({ label: HOST });
  await page.getByLabel("When").selectOption({ label: "Last 24 hours" });
  await expect(page).toHaveURL(/\/jobs\?host=[0-9a-f-]+&kind=backup&status=cancelled&range=24h$/);
  await expect(page.getByRole("row", { name: /Succeeded/ })).toHaveCount(0);
  await expect(page.getByRole("row", { name: /Cancelled.*backup/ }).first()).toBeVisible();

  await page.reload();
  await expect(page.getByLabel("Host")).toHaveValue(/[0-9a-f-]+/);
  await expect(page.getByRole("row", { name: /Cancelled.*backup/ }).first()).toBeVisible();
  await page.getByRole("link", { name: "0 failed in 24 h" }).click();
  await expect(page).toHaveURL(/\/jobs\?status=failed&range=24h$/);
  await expect(page.getByText("“state:failed” is true for no job in the last 24 hours.")).toBeVisible();
});

test("each tab of a host is an address, and the snapshots are those of its repository", async ({ page }) => {
  await openHost(page);
  const tabs = page.getByRole("navigation", { name: "Parts of the host" });
  await expect(tabs.getByRole("link", { name: "Summary" })).toHaveAttribute("aria-current", "page");
  await tabs.getByRole("link", { name: "Snapshots" }).focus();
  await page.keyboard.press("Enter");

  await expect(page).toHaveURL(/\/hosts\/[0-9a-f-]+\/snapshots$/);
  await expect(page).toHaveTitle(`${HOST} · Snapshots — restic-manager`);
  await expect(tabs.getByRole("link", { name: "Snapshots" })).toHaveAttribute("aria-current", "page");
  const rows = page.getByRole("table", { name: "Snapshots" }).getByRole("row");
  await expect(rows).not.toHaveCount(1);
  await expect(rows.nth(1)).toContainText(process.env.RM_E2E_DATA!.slice(-5));
  await inspect(page, "host-snapshots", NARROW);

  await page.getByRole("button", { name: "Refresh list" }).click();
  await page.getByRole("link", { name: "Listing: see the job" }).click();
  await expect(page.getByRole("heading", { name: `Snapshots of ${HOST}` })).toBeVisible();
});

test("the jobs of a host are the list of all jobs with the host fixed", async ({ page }) => {
  await openHost(page);
  await tab(page, "Jobs");
  await expect(page.getByRole("row", { name: /Succeeded.*backup/ }).first()).toBeVisible();
  await expect(page.getByLabel("Host", { exact: true })).toHaveCount(0);
  await page.getByLabel("State").selectOption({ label: "Failed" });
  await expect(page).toHaveURL(/\/hosts\/[0-9a-f-]+\/jobs\?status=failed$/);
  await expect(page.getByRole("heading", { name: "No jobs match" })).toBeVisible();
  await page.getByRole("button", { name: "Clear filters" }).click();
  await expect(page).toHaveURL(/\/hosts\/[0-9a-f-]+\/jobs$/);
  await inspect(page, "host-jobs", NARROW);
});

test("the repository of a host is looked at, counted and changed from its page", async ({ page }) => {
  await openHost(page);
  await tab(page, "Repository");
  await expect(page.getByText("Ready").first()).toBeVisible();
  await expect(page.getByText(process.env.RM_E2E_REPOSITORY!).last()).toBeVisible();
  await expect(page.getByRole("heading", { name: "Login of this host" })).toBeVisible();
  await expect(page.getByText("There is no other repository yet").or(page.getByText("Choose one first"))).toBeVisible();
  await inspect(page, "host-repository", NARROW);

  await page.getByRole("button", { name: "Replace" }).click();
  const dialog = page.getByRole("dialog", { name: "Replace the login of this host" });
  await expect(dialog).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();

  await page.getByRole("button", { name: "Count size" }).click();
  await expect(page.getByRole("heading", { name: `Stats of ${HOST}` })).toBeVisible();
  await expect(page.getByText("Succeeded").first()).toBeVisible({ timeout: 60_000 });
  await page.goBack();
  await expect(page.getByText(/\d (B|KiB|MiB|GiB)/).first()).toBeVisible();
});

test("a host is renamed and tagged, a wrong value is said at its field, and a conflict is shown", async ({ page, context }) => {
  await openHost(page);
  await tab(page, "Settings");
  await page.getByLabel("Upload limit").fill("5 MiB");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByLabel("Upload limit")).toHaveAttribute("aria-invalid", "true");
  await inspect(page, "host-settings-refused", NARROW);

  const other = await context.newPage();
  await other.goto(page.url());
  await other.getByLabel("Tags").fill("prod, eu, web");
  await other.getByRole("button", { name: "Save" }).click();
  await expect(other.getByText("Saved.")).toBeVisible();

  await page.getByLabel("Upload limit").fill("2048");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Show what is stored now" }).click();
  await expect(page.getByLabel("Tags")).toHaveValue("eu, prod, web");
  await page.getByLabel("Upload limit").fill("2048");
  await page.keyboard.press("Enter");
  await expect(page.getByText("Saved.")).toBeVisible();
  await tab(page, "Summary");
  await expect(page.getByText("2.00 MiB/s")).toBeVisible();
});

test("a host is revoked or deleted only by whoever types its name", async ({ page }) => {
  await openHost(page);
  await tab(page, "Settings");
  for (const verb of ["Revoke identity", "Delete host"]) {
    await page.getByRole("button", { name: verb }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog.getByRole("button", { name: "Cancel" })).toBeFocused();
    const button = dialog.getByRole("button", { name: verb });
    await dialog.getByRole("textbox").fill("web-1");
    await expect(button).toHaveAttribute("aria-disabled", "true");
    await dialog.getByRole("textbox").fill(HOST);
    await expect(button).not.toHaveAttribute("aria-disabled");
    await inspect(page, `host-${verb.split(" ")[0].toLowerCase()}`, WIDTHS);
    await page.keyboard.press("Escape");
    await expect(dialog).toBeHidden();
  }
});

async function openHost(page: Page) {
  await page.getByRole("link", { name: HOST, exact: true }).first().click();
  await expect(page.getByRole("heading", { level: 1, name: HOST })).toBeVisible();
}

async function tab(page: Page, name: string) {
  await page.getByRole("navigation", { name: "Parts of the host" }).getByRole("link", { name }).click();
}

async function startBackup(page: Page) {
  // The test's other half makes a large file anew, and takes the request away when it is there.
  writeFileSync(process.env.RM_E2E_SLOW!, "");
  await expect.poll(() => existsSync(process.env.RM_E2E_SLOW!), { timeout: 60_000 }).toBe(false);
  await page.goto("/hosts");
  await page.getByRole("link", { name: HOST }).click();
  await page.getByRole("button", { name: "Run backup" }).click();
  await expect(page.getByRole("heading", { name: `Backup of ${HOST}` })).toBeVisible();
}
