// Repositories: where backups go, what opens them, and what can be done with them.

import { randomUUID } from "node:crypto";

import { enter, expect, inspect, test, WIDTHS } from "./fixture.ts";

const HOST = "web-01";
const ARCHIVE = "s3-archive";
// The narrowest page that nothing may be pushed out of.
const ALL_WIDTHS = [...WIDTHS, { name: "320", width: 320, height: 800 }];

test.beforeEach(async ({ page }) => {
  await enter(page, "/repositories");
  await expect(page.getByRole("heading", { name: "Repositories", exact: true })).toBeVisible();
});

test("the list shows each repository with its state, and the entry of the rail is the current one", async ({ page }) => {
  const row = page.getByRole("row", { name: new RegExp(process.env.RM_E2E_REPOSITORY!) });
  await expect(row).toContainText("Ready");
  await expect(row).toContainText("local");
  await expect(page.getByRole("navigation", { name: "Main", exact: true }).getByRole("link", { name: "Repositories" }))
    .toHaveAttribute("aria-current", "page");
  await inspect(page, "repositories", ALL_WIDTHS);
});

test("a location is refused where it is written, and the help follows its kind", async ({ page }) => {
  await page.getByRole("link", { name: "Add repository" }).first().click();
  await expect(page.getByRole("heading", { name: "Add repository" })).toBeVisible();
  await inspect(page, "repository-new");

  const location = page.locator("#repo_url");
  await expect(location).toBeFocused();
  await page.keyboard.type("rest:");
  await expect(page.getByLabel("Kind")).toHaveValue("rest");
  await expect(page.locator("#repo_url-help")).toContainText("append-only");
  await expect(page.getByLabel("User name")).toBeVisible();

  await page.getByLabel("Kind").selectOption({ label: "SFTP" });
  await expect(location).toHaveValue("sftp:");
  await expect(page.getByLabel("User name")).toHaveCount(0);
  await location.fill("sftp:-oProxyCommand=x:/srv");
  await page.locator("#repo_password").fill("not a long secret");
  await page.keyboard.press("Enter");
  await expect(location).toHaveAttribute("aria-invalid", "true");
  await expect(location).toBeFocused();
  await expect(page.getByRole("alert")).toContainText("One field needs attention");
  await inspect(page, "repository-refused", ALL_WIDTHS);
});

test("a password that is made has to be kept before the repository is, and is not shown again", async ({ page }) => {
  await page.goto("/repositories/new");
  await page.getByLabel("Kind").selectOption({ label: "S3 and compatible" });
  await page.locator("#repo_url").fill("s3:https://s3.example.org/bucket/archive");
  await page.locator("#name").fill(ARCHIVE);
  await page.locator("#AWS_ACCESS_KEY_ID").fill("AKIA-EXAMPLE");
  await page.locator("#AWS_SECRET_ACCESS_KEY").fill("a very secret key");
  await page.getByRole("button", { name: "Make a strong one" }).click();
  const password = await page.locator("#repo_password").inputValue();
  expect(password).toMatch(/^[\w-]{32}$/);
  await expect(page.getByText("Keep a copy of this password")).toBeVisible();
  await inspect(page, "repository-password", ALL_WIDTHS);

  await page.getByRole("button", { name: "Add repository" }).click();
  await expect(page.locator("#kept-error")).toContainText("Store the new password first");
  await page.getByLabel("I have stored it in a safe place").check();
  await page.getByRole("button", { name: "Add repository" }).click();

  await expect(page.getByRole("heading", { name: ARCHIVE, level: 1 })).toBeFocused();
  await expect(page).toHaveTitle(`${ARCHIVE} — restic-manager`);
  await expect(page.getByText("No host backs up to it yet")).toBeVisible();
  await expect(page.getByRole("region", { name: "Everyday credentials" })).toContainText("AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY");
  expect(await page.content()).not.toContain(password);
  expect(await page.content()).not.toContain("a very secret key");
  await inspect(page, "repository-unused", ALL_WIDTHS);
});

test("secrets are replaced without being read, and nothing typed stays behind", async ({ page }) => {
  await page.getByRole("link", { name: ARCHIVE }).click();
  const everyday = page.getByRole("region", { name: "Everyday credentials" });
  await everyday.getByRole("button", { name: "Replace" }).click();
  const dialog = page.getByRole("dialog", { name: "Replace everyday credentials" });
  await expect(dialog.getByText(/^set (now|\d+ s ago)/)).toBeVisible();
  await inspect(page, "repository-credentials");
  await dialog.getByRole("button", { name: "Replace" }).click();
  await expect(dialog.locator("#repo_password")).toBeFocused();
  await page.keyboard.type("another long password");
  await dialog.locator("#AWS_REGION").fill("eu-west-1");
  await page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();
  await expect(everyday.getByText("AWS_REGION")).toBeVisible();

  await everyday.getByRole("button", { name: "Replace" }).click();
  await dialog.getByRole("button", { name: "Replace" }).click();
  await expect(dialog.locator("#repo_password")).toHaveValue("");
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
});

test("without admin credentials prune is off, and they can be set and removed", async ({ page }) => {
  await page.getByRole("link", { name: ARCHIVE }).click();
  const admin = page.getByRole("region", { name: "Admin credentials" });
  await expect(admin).toContainText("Not set, so prune is off");
  await admin.getByRole("button", { name: "Set", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Set admin credentials" });
  await dialog.locator("#AWS_ACCESS_KEY_ID").fill("AKIA-ADMIN");
  await dialog.locator("#AWS_SECRET_ACCESS_KEY").fill("a more secret key");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await expect(admin).toContainText("AWS_ACCESS_KEY_ID");

  await admin.getByRole("button", { name: "Remove" }).click();
  const asks = page.getByRole("dialog", { name: "Remove admin credentials" });
  await expect(asks.getByRole("button", { name: "Cancel" })).toBeFocused();
  await asks.getByRole("button", { name: "Remove" }).click();
  await expect(admin).toContainText("Not set, so prune is off");
});

test("who edits a repository that somebody else has changed is told, and loses nothing of it", async ({ page }) => {
  await page.getByRole("link", { name: ARCHIVE }).click();
  await page.getByRole("region", { name: "Location" }).getByRole("button", { name: "Edit" }).click();
  const dialog = page.getByRole("dialog", { name: "Edit name and location" });
  await dialog.getByLabel("Name").fill("mine");
  const id = page.url().split("/").pop()!;
  const theirs = await page.request.patch(`/api/repositories/${id}`, { data: { name: "theirs", version: "1" } });
  expect(theirs.ok()).toBe(true);

  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByText("Somebody changed it in the meantime")).toBeVisible();
  await expect(dialog.getByText("theirs · s3:https://s3.example.org/bucket/archive")).toBeVisible();
  await expect(dialog.getByLabel("Name")).toHaveValue("mine");
  await inspect(page, "repository-conflict");
  await dialog.getByRole("button", { name: "Show what is stored now" }).click();
  await expect(dialog.getByLabel("Name")).toHaveValue("theirs");
  await dialog.getByLabel("Name").fill(ARCHIVE);
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("heading", { name: ARCHIVE, level: 1 })).toBeVisible();
});

test("a used repository names its hosts before it is moved, and refuses to be forgotten", async ({ page }) => {
  await page.getByRole("link", { name: process.env.RM_E2E_REPOSITORY! }).click();
  await expect(page.getByRole("table", { name: "Hosts that use it" }).getByRole("row", { name: new RegExp(HOST) }))
    .toContainText("Ready");
  await inspect(page, "repository", ALL_WIDTHS);

  await page.getByRole("region", { name: "Location" }).getByRole("button", { name: "Edit" }).click();
  const edit = page.getByRole("dialog", { name: "Edit name and location" });
  await edit.getByLabel("Location").fill("/srv/elsewhere");
  await expect(edit.getByRole("note")).toContainText(HOST);
  await inspect(page, "repository-moves", ALL_WIDTHS);
  await edit.getByRole("button", { name: "Cancel" }).click();
  await expect(edit).toBeHidden();

  await page.getByRole("button", { name: "Remove from here" }).click();
  const asks = page.getByRole("dialog", { name: /^Remove .* from here\?$/ });
  await expect(asks.getByRole("button", { name: "Cancel" })).toBeFocused();
  const remove = asks.getByRole("button", { name: "Remove from here" });
  await expect(remove).toHaveAttribute("aria-disabled", "true");
  await asks.getByLabel("Type the name below to confirm").fill(process.env.RM_E2E_REPOSITORY!);
  await remove.click();
  await expect(asks.getByRole("alert")).toContainText(`${HOST} still use this repository`);
  await inspect(page, "repository-in-use");
});

test("work on a repository is a job of one of its hosts, and what it finds is on the page", async ({ page }) => {
  await page.getByRole("link", { name: process.env.RM_E2E_REPOSITORY! }).click();
  const work = page.getByRole("region", { name: "Work on it" });
  await expect(work.getByLabel("From host")).toContainText(`${HOST} · Connected`);
  await expect(work.getByRole("button", { name: "Make it" })).toHaveAttribute("aria-disabled", "true");
  await expect(work).toContainText("It is made already");
  await work.getByRole("button", { name: "Count size" }).click();
  await expect(page.getByRole("heading", { name: `Stats of ${HOST}` })).toBeVisible();
  await expect(page.getByText("Succeeded").first()).toBeVisible({ timeout: 60_000 });

  await page.goBack();
  const numbers = page.getByRole("region", { name: "Numbers" });
  await expect(numbers).toContainText(/\d+(\.\d+)? (B|KiB|MiB)/);
  await expect(page.getByText("None when somebody last looked.")).toBeVisible();
});

test("a repository that no host uses is forgotten once its name is typed", async ({ page }) => {
  await page.getByRole("link", { name: ARCHIVE }).click();
  await page.getByRole("button", { name: "Remove from here" }).focus();
  await page.keyboard.press("Enter");
  const asks = page.getByRole("dialog", { name: `Remove ${ARCHIVE} from here?` });
  await expect(asks).toContainText("Its data stays where it is");
  await expect(asks.getByRole("button", { name: "Cancel" })).toBeFocused();
  await inspect(page, "repository-forget", ALL_WIDTHS);
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.type(ARCHIVE);
  await page.keyboard.press("Enter");

  await expect(page).toHaveURL(/\/repositories$/);
  await expect(page.getByRole("row", { name: new RegExp(process.env.RM_E2E_REPOSITORY!) })).toBeVisible();
  await expect(page.getByRole("link", { name: ARCHIVE })).toHaveCount(0);
});

test("a repository that does not exist is said to be missing", async ({ page }) => {
  await page.goto(`/repositories/${randomUUID()}`);

  await expect(page.getByRole("alert")).toContainText("There is no repository with this id.");
  await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
  await inspect(page, "repository-missing");
});
