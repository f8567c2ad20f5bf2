// The main job: add a host, watch it come, back it up, read its log.

import { existsSync, writeFileSync } from "node:fs";

import { ADMIN, enter, expect, inspect, picture, test, WIDTHS } from "./fixture.ts";

const HOST = "web-01";

test.beforeEach(async ({ page }) => {
  await enter(page, "/hosts");
  await expect(page.getByRole("heading", { name: "Hosts", exact: true })).toBeVisible();
});

test("a host is added, enrolls, and is backed up for the first time", async ({ page }) => {
  await page.getByRole("link", { name: "Add host" }).first().click();
  await expect(page.getByRole("heading", { name: "Add host" })).toBeVisible();
  await inspect(page, "add-host");

  await page.getByRole("button", { name: "Make the install command" }).click();
  await expect(page.getByLabel("Name", { exact: true })).toHaveAttribute("aria-invalid", "true");

  await page.getByLabel("Name", { exact: true }).fill(HOST);
  await page.getByLabel("Tags").fill("prod, eu");
  await page.getByLabel("Location").fill(process.env.RM_E2E_REPOSITORY!);
  await page.getByLabel("Paths").fill(process.env.RM_E2E_DATA!);
  await page.getByRole("button", { name: "Make the install command" }).click();

  await expect(page.getByRole("heading", { name: `Add ${HOST}` })).toBeVisible();
  const command = page.getByRole("region", { name: "Install command" }).last();
  await expect(command).toContainText("••••");
  await inspect(page, "enrolling-waits");
  await page.getByRole("button", { name: "Reveal token" }).click();
  const token = (await command.innerText()).match(/rme1_\w+/)![0];
  expect(page.url()).not.toContain(token);

  // The test's other half runs the agent.
  writeFileSync(process.env.RM_E2E_ENROLL!, token);
  const steps = page.getByRole("list", { name: "From the command to the first backup" });
  await expect(steps.getByText("Repository ready: done")).toBeVisible({ timeout: 60_000 });
  await inspect(page, "enrolling-ready");

  await page.getByRole("button", { name: "Run first backup" }).click();
  await expect(page.getByRole("heading", { name: `Backup of ${HOST}` })).toBeVisible();
  await expect(page.getByText("Succeeded").first()).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole("log")).toContainText("snapshot");
  await inspect(page, "job-done");
});

test("the list shows the host well, and the host its backups", async ({ page }) => {
  const row = page.getByRole("row", { name: new RegExp(HOST) });
  await expect(row).toContainText("OK");
  await expect(row).toContainText("prod");
  await inspect(page, "hosts");

  await page.getByRole("link", { name: HOST }).click();
  await expect(page.getByRole("heading", { name: HOST, exact: true })).toBeFocused();
  await expect(page).toHaveTitle(`${HOST} — restic-manager`);
  await expect(page.getByRole("img", { name: /1 ok, 0 with warnings, 0 failed/ })).toBeVisible();
  await inspect(page, "host");
});

test("what is filtered is in the address, and survives a reload", async ({ page }) => {
  await page.getByRole("searchbox", { name: "Filter by name or tag" }).fill("prod");
  await expect(page).toHaveURL(/q=prod/);
  await expect(page.getByRole("row", { name: new RegExp(HOST) })).toBeVisible();

  await page.getByLabel("Health").selectOption({ label: "Failing" });
  await expect(page.getByRole("heading", { name: "No hosts match" })).toBeVisible();
  await expect(page.getByText("“prod health:failing”")).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { name: "No hosts match" })).toBeVisible();
  await inspect(page, "hosts-none-match");

  await page.getByRole("button", { name: "Clear filters" }).click();
  await expect(page.getByRole("row", { name: new RegExp(HOST) })).toBeVisible();
  await expect(page.getByRole("columnheader", { name: "Health" })).toHaveAttribute("aria-sort", "ascending");
  await expect(page.getByRole("img", { name: /1 ok, 0 with warnings, 0 failed/ })).toBeVisible();
  await page.getByRole("button", { name: "Last backup" }).click();
  await expect(page.getByRole("columnheader", { name: "Last backup" })).toHaveAttribute("aria-sort", "descending");
});

test("a log line is an address of its own", async ({ page }) => {
  await page.getByRole("link", { name: HOST }).click();
  await page.getByRole("link", { name: "backup" }).first().click();
  const number = (line: number) => page.getByRole("log").getByText(String(line), { exact: true });
  await number(2).click();
  await expect(page).toHaveURL(/#L2$/);
  await number(3).click({ modifiers: ["Shift"] });
  await expect(page).toHaveURL(/#L2-L3$/);

  await page.reload();
  await expect(page.getByText("Lines 2–3 are marked")).toBeVisible();

  await page.getByRole("textbox", { name: "Find in log" }).fill("snapshot");
  await expect(page.getByText(/^1 of \d+$/)).toBeVisible();
  await page.getByRole("log").press("m");
  await expect(page).toHaveURL(/#L\d+$/);
});

test("a job that runs is followed live and can be cancelled", async ({ page }) => {
  // The test's other half makes a large file, and takes the request away when it is there.
  writeFileSync(process.env.RM_E2E_SLOW!, "");
  await expect.poll(() => existsSync(process.env.RM_E2E_SLOW!), { timeout: 60_000 }).toBe(false);
  await page.getByRole("link", { name: HOST }).click();
  await page.getByRole("button", { name: "Run backup" }).click();
  await expect(page.getByText("Running").first()).toBeVisible();
  await expect(page.getByRole("progressbar")).toBeVisible();
  await inspect(page, "job-running", WIDTHS.slice(0, 1));
  await picture(page, "job");

  await page.getByRole("button", { name: "Cancel job" }).click();
  await expect(page.getByText("Cancelled").first()).toBeVisible({ timeout: 60_000 });
});

test("a session that ends is renewed over the page, and what was wanted happens", async ({ page, context }) => {
  await page.getByRole("link", { name: "Add host" }).click();
  await page.getByLabel("Name", { exact: true }).fill("db-01");
  await page.getByLabel("Location").fill(process.env.RM_E2E_REPOSITORY!);
  await context.clearCookies();
  await page.getByRole("button", { name: "Make the install command" }).click();

  const dialog = page.getByRole("dialog", { name: "Your session has ended" });
  await expect(dialog).toBeVisible();
  await inspect(page, "session-ended");
  await dialog.getByLabel("Password", { exact: true }).fill(ADMIN.password);
  await page.keyboard.press("Enter");

  await expect(page.getByRole("heading", { name: "Add db-01" })).toBeVisible();
});

test("a host and a job that do not exist are said to be missing, with a next step", async ({ page }) => {
  await page.goto("/hosts/01890a5d-ac96-774b-bcce-b302099a8057");
  await expect(page.getByRole("alert")).toContainText("There is no host with this id.");
  await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
  await inspect(page, "host-missing");
});

test("every component stands the same tests", async ({ page }) => {
  await page.goto("/__kit");
  await expect(page.getByRole("heading", { name: "Components" })).toBeVisible();
  await inspect(page, "kit");
});
