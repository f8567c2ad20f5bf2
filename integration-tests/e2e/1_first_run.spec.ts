// First-run setup, and signing in and out.

import { ADMIN, expect, inspect, logIn, test } from "./fixture.ts";

test("a server without users asks for its first administrator", async ({ page }) => {
  await page.goto("/");

  await expect(page).toHaveURL(/\/bootstrap$/);
  await expect(page.getByRole("heading", { name: "Create the first administrator" })).toBeVisible();
  await inspect(page, "bootstrap");
});

test("a weak password and a wrong token are refused where they are typed", async ({ page }) => {
  await page.goto("/bootstrap");
  const token = page.getByLabel("Setup token");
  await token.fill(process.env.RM_E2E_TOKEN!);
  await page.locator("#password").fill("short");
  await page.keyboard.press("Enter");

  const password = page.locator("#password");
  await expect(password).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByRole("alert")).toBeVisible();

  await token.fill("rms1_nothing");
  await password.fill(ADMIN.password);
  await page.keyboard.press("Enter");
  await expect(token).toHaveAttribute("aria-invalid", "true");
  await expect(page.locator("#token-error")).toContainText("setup token");
  await expect(password).not.toHaveAttribute("aria-invalid");
  await inspect(page, "bootstrap-refused");
});

test("the administrator is made by keyboard alone and sees that there is no host", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByLabel("Setup token")).toBeFocused();
  await page.keyboard.type(process.env.RM_E2E_TOKEN!);
  await page.keyboard.press("Tab");
  await expect(page.getByLabel("User name")).toHaveValue(ADMIN.name);
  await page.keyboard.press("Tab");
  await page.keyboard.type(ADMIN.password);
  await page.keyboard.press("Enter");

  await expect(page).toHaveURL(`${process.env.RM_E2E_URL}/`);
  await expect(page.getByRole("heading", { name: "Nothing is backed up yet" })).toBeFocused();
  await expect(page.getByRole("list", { name: "From here to the first backup" }).getByRole("listitem")).toHaveCount(3);
  await inspect(page, "overview-empty");

  await page.getByRole("link", { name: "Hosts", exact: true }).first().click();
  await expect(page.getByRole("heading", { name: "No hosts yet" })).toBeVisible();
  await inspect(page, "hosts-empty");

  await page.getByRole("link", { name: "Jobs", exact: true }).first().click();
  await expect(page.getByRole("heading", { name: "No jobs match" })).toBeVisible();
  await page.getByRole("button", { name: "Look at any time" }).click();
  await expect(page.getByRole("heading", { name: "No jobs yet" })).toBeVisible();
  await inspect(page, "jobs-empty");
});

test("setup is over once there is an administrator", async ({ page }) => {
  await page.goto("/bootstrap");

  await expect(page).toHaveURL(/\/login$/);
  await inspect(page, "login");
});

test("a wrong password is refused without saying which part was wrong", async ({ page }) => {
  await page.goto("/login");
  await page.getByLabel("User name").fill(ADMIN.name);
  await page.locator("#password").fill("not the password");
  await page.keyboard.press("Enter");

  await expect(page.getByRole("alert")).toContainText("user name or the password is wrong");
  await inspect(page, "login-refused");
});

test("signing in leads to where one wanted to go, and nowhere else", async ({ page }) => {
  await logIn(page, "/hosts?q=web");
  await expect(page).toHaveURL(/\/hosts\?q=web$/);

  await page.getByRole("button", { name: "Account: admin" }).click();
  await page.getByRole("button", { name: "Log out" }).click();
  await expect(page).toHaveURL(/\/login/);

  await logIn(page, "/login?next=//example.org/");
  await expect(page).toHaveURL(`${process.env.RM_E2E_URL}/`);
});

test("an address that leads nowhere says so", async ({ page }) => {
  await page.goto("/nowhere/at/all");

  await expect(page.getByRole("heading", { name: "There is no such page" })).toBeVisible();
});
