// Settings: enrollment tokens, and one's own account.

import { ADMIN, enter, expect, inspect, logIn, test, WIDTHS } from "./fixture.ts";

const HOST = "mail-01";
const NEW_PASSWORD = "another correct horse battery";
const ALL_WIDTHS = [...WIDTHS, { name: "320", width: 320, height: 800 }];

test.beforeEach(async ({ page }) => {
  await enter(page, "/hosts");
  await expect(page.getByRole("heading", { name: "Hosts", exact: true })).toBeVisible();
});

test("a token lives as long as was chosen, and is revoked once somebody confirms it", async ({ page }) => {
  await page.goto("/hosts/add");
  await page.getByLabel("Name", { exact: true }).fill(HOST);
  await page.locator("#repo_url").fill(`/srv/${HOST}`);
  await page.getByLabel("The token is valid for").selectOption({ label: "7 d" });
  await page.getByRole("button", { name: "Make the install command" }).click();
  await expect(page.getByRole("heading", { name: `Add ${HOST}` })).toBeVisible();
  await expect(page.getByText(/valid for 6 d 23 h/)).toBeVisible();

  await page.getByRole("navigation", { name: "Main", exact: true }).getByRole("link", { name: "Settings" }).click();
  await page.getByRole("navigation", { name: "Settings" }).getByRole("link", { name: "Enrollment tokens" }).click();
  await expect(page.getByRole("heading", { name: "Enrollment tokens", level: 1 })).toBeVisible();
  const row = page.getByRole("row", { name: new RegExp(HOST) });
  await expect(row).toContainText("Not used yet");
  await expect(row).toContainText("in 6 d");
  await expect(page.getByRole("row", { name: /web-01/ })).toContainText("Used");
  await inspect(page, "tokens", ALL_WIDTHS);

  await row.getByRole("button", { name: "Revoke" }).click();
  const asks = page.getByRole("dialog", { name: `Revoke the token for ${HOST}?` });
  await expect(asks.getByRole("button", { name: "Cancel" })).toBeFocused();
  await inspect(page, "token-revoke");
  await page.keyboard.press("Escape");
  await expect(asks).toBeHidden();
  await expect(row).toContainText("Not used yet");

  await row.getByRole("button", { name: "Revoke" }).click();
  await asks.getByRole("button", { name: "Revoke" }).click();
  await expect(row).toContainText("Revoked");
  await expect(row.getByRole("button", { name: "Revoke" })).toHaveCount(0);
});

test("the list of tokens is filtered by its address", async ({ page }) => {
  await page.goto("/settings/tokens");
  await page.getByLabel("State").selectOption({ label: "Revoked" });
  await expect(page).toHaveURL(/\?state=revoked$/);
  await expect(page.getByRole("row", { name: new RegExp(HOST) })).toBeVisible();
  await expect(page.getByRole("row", { name: /web-01/ })).toHaveCount(0);

  await page.goto("/settings/tokens?state=expired");
  await expect(page.getByRole("heading", { name: "No tokens match" })).toBeVisible();
  await inspect(page, "tokens-none-match");
  await page.getByRole("link", { name: "Clear filters" }).click();
  await expect(page.getByRole("row", { name: /web-01/ })).toBeVisible();
});

test("the theme is the system's until somebody chooses, and the choice is remembered", async ({ page }) => {
  await page.goto("/settings/account");
  await expect(page.getByRole("region", { name: "Signed in" })).toContainText("Administrator");
  await inspect(page, "account", ALL_WIDTHS);
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme ?? "");
  await page.getByRole("radio", { name: /As the system/ }).focus();
  await page.keyboard.press("ArrowLeft");
  await expect(page.getByRole("radio", { name: /Dark/ })).toBeChecked();
  expect(await theme()).toBe("dark");
  await expect(page.getByRole("button", { name: "Use the light theme" })).toBeVisible();

  await page.reload();
  await expect(page.getByRole("radio", { name: /Dark/ })).toBeChecked();
  expect(await theme()).toBe("dark");
  await page.keyboard.press("Tab");
  await page.getByRole("radio", { name: /Dark/ }).focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("radio", { name: /As the system/ })).toBeChecked();
  expect(await theme()).toBe("");
});

test("a password is changed by who knows the one in force, and other sessions end", async ({ page, browser }) => {
  const other = await browser.newContext();
  const elsewhere = await other.newPage();
  await logIn(elsewhere, "/hosts");
  await expect(elsewhere.getByRole("heading", { name: "Hosts", exact: true })).toBeVisible();

  await page.goto("/settings/account");
  const current = page.locator("#current_password");
  const next = page.locator("#new_password");
  const change = page.getByRole("button", { name: "Change password" });
  await current.fill("not the password");
  await next.fill(NEW_PASSWORD);
  await change.click();
  await expect(current).toHaveAttribute("aria-invalid", "true");
  await expect(current).toBeFocused();
  await expect(page.locator("#current_password-error")).toContainText("the current password is wrong");

  await current.fill(ADMIN.password);
  await next.fill("short");
  await change.click();
  await expect(next).toHaveAttribute("aria-invalid", "true");
  await inspect(page, "account-refused");

  await next.fill(NEW_PASSWORD);
  await page.keyboard.press("Enter");
  await expect(page.getByText("The password is changed.")).toBeVisible();
  await expect(current).toHaveValue("");
  await page.reload();
  await expect(page.getByRole("heading", { name: "Account", level: 1 })).toBeVisible();

  await elsewhere.getByRole("link", { name: "Add host" }).first().click();
  await elsewhere.goto("/hosts");
  await expect(elsewhere).toHaveURL(/\/login/);
  await other.close();

  // The tests behind this one sign in as before.
  await current.fill(NEW_PASSWORD);
  await next.fill(ADMIN.password);
  await change.click();
  await expect(page.getByText("The password is changed.")).toBeVisible();
  await page.getByRole("region", { name: "Signed in" }).getByRole("button", { name: "Log out" }).click();
  await expect(page).toHaveURL(/\/login/);
});
