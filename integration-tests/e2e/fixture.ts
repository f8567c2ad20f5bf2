// What every browser test has: a page that reports everything that goes wrong in it, axe, and screenshots.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { AxeBuilder } from "@axe-core/playwright";
import { test as base, type Cookie, expect, type Page } from "@playwright/test";

export { expect };

export const ADMIN = { name: "admin", password: "correct horse battery staple" };
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
export const WIDTHS = [
  { name: "1440", width: 1440, height: 900 },
  { name: "390", width: 390, height: 844 },
];

type Options = { complaints: string[] };

// A test fails on an error of the console's program, an error in the browser's log, and a breach of the content
// security policy, whatever else it sees.
export const test = base.extend<Options>({
  complaints: [
    async ({ page }, use) => {
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(`log: ${message.text()} ${message.location().url}`);
      });
      await page.exposeFunction("complain", (text: string) => complaints.push(text));
      await page.addInitScript(() => {
        addEventListener("securitypolicyviolation", (event) =>
          (window as any).complain(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`),
        );
      });
      await use(complaints);
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
});

export async function logIn(page: Page, path = "/", user = ADMIN) {
  await page.goto(path);
  await page.getByLabel("User name").fill(user.name);
  await page.locator("#password").fill(user.password);
  await page.getByRole("button", { name: "Log in" }).click();
}

// Sessions of earlier tests: one address may sign in ten times a minute, and a fast machine has more tests than that.
const sessions = new Map<string, Cookie[]>();

// Opens a page as somebody who is signed in already, or signs in.
export async function enter(page: Page, path = "/", user = ADMIN) {
  await page.context().addCookies(sessions.get(user.name) ?? []);
  const session = await page.request.get("/api/auth/session");
  if (session.ok()) {
    await page.goto(path);
    return;
  }
  await page.context().clearCookies();
  await logIn(page, path, user);
  await expect(page.getByRole("navigation", { name: "Main", exact: true })).toBeVisible();
  sessions.set(user.name, await page.context().cookies());
}

// No violation in either theme, and a picture of each theme and width.
export async function inspect(page: Page, name: string, widths = WIDTHS) {
  for (const theme of ["light", "dark"] as const) {
    await page.evaluate((theme) => (document.documentElement.dataset.theme = theme), theme);
    for (const { name: width, ...size } of widths) {
      await page.setViewportSize(size);
      await page.evaluate(() => document.fonts.ready);
      const found = await new AxeBuilder({ page }).withTags(TAGS).analyze();
      const violations = found.violations.map(
        (violation) => `${violation.id}: ${violation.nodes.map((node) => node.target.join(" ")).join(", ")}`,
      );
      expect.soft(violations, `${name}, ${theme}, ${width}`).toEqual([]);
      const widest = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect.soft(widest, `${name} at ${width}: the page scrolls sideways`).toBeLessThanOrEqual(0);
      await page.screenshot({ path: `${process.env.RM_E2E_OUT}/screens/${name}-${theme}-${width}.png`, fullPage: true });
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.evaluate(() => delete document.documentElement.dataset.theme);
}

// A picture for the documentation, in both themes: what fits on a screen.
export async function picture(page: Page, name: string) {
  await page.mouse.move(0, 0);
  for (const theme of ["light", "dark"] as const) {
    await page.evaluate((theme) => (document.documentElement.dataset.theme = theme), theme);
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: `${process.env.RM_E2E_OUT}/pictures/${name}-${theme}.png` });
  }
  await page.evaluate(() => delete document.documentElement.dataset.theme);
}

// Lets the test's other half do something to the programs, and waits until it has.
export async function order(name: string, text = "") {
  const file = join(process.env.RM_E2E_ORDERS!, name);
  writeFileSync(file, text);
  await expect.poll(() => existsSync(file), { timeout: 60_000 }).toBe(false);
}
