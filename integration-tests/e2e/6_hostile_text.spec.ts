// What hosts and people write is shown as text, whatever it says: nothing runs, nothing is injected, nothing is pushed aside.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { enter, expect, inspect, order, test, WIDTHS } from "./fixture.ts";

const ALL_WIDTHS = [...WIDTHS, { name: "320", width: 320, height: 800 }];
const NAME = "<img src=x onerror=hit('name')> {{7*7}} '\"><b>";
const SOURCE = join(process.env.RM_E2E_DATA!, "<svg onload=hit('path')>'\"&{{x}}");
const LOCATION = `${process.env.RM_E2E_REPOSITORY}-<script>hit('location')</script>`;
// Marks that hide, break or turn text: none may be in what is shown.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;

test.beforeEach(async ({ page }) => {
  page.on("dialog", (dialog) => {
    throw new Error(`a dialog: ${dialog.message()}`);
  });
  await page.addInitScript(() => {
    (window as any).hits = [];
    (window as any).hit = (what: string) => (window as any).hits.push(what);
  });
  await enter(page, "/hosts");
  await expect(page.getByRole("heading", { name: "Hosts", exact: true })).toBeVisible();
});

// Nothing of the text has become anything but text, and no width is broken by it.
async function isOnlyText(page, name: string) {
  const made = await page.evaluate(() => ({
    hits: (window as any).hits,
    elements: [...document.querySelectorAll("img, iframe, object, embed, animate, b img, body style, body script, [onerror], [onload], [onmouseover]")]
      .map((element) => element.outerHTML),
    addresses: [...document.querySelectorAll("[href], [src], [action]")]
      .flatMap((element) => ["href", "src", "action"].map((attribute) => element.getAttribute(attribute)))
      .filter((address) => address && /^\s*(javascript|data|vbscript):/i.test(address)),
  }));
  expect(made, name).toEqual({ hits: [], elements: [], addresses: [] });
  expect(await page.locator("body").innerText(), name).not.toMatch(UNSEEN);
  expect(await page.title(), name).not.toMatch(UNSEEN);
  await inspect(page, name, ALL_WIDTHS);
}

test("names and locations that people write are text on every page that shows them", async ({ page }) => {
  mkdirSync(SOURCE);
  await page.goto("/repositories/new");
  await page.locator("#name").fill(NAME);
  await page.locator("#repo_url").fill(LOCATION);
  await page.locator("#repo_password").fill("'\"><script>hit('password')</script>");
  await page.getByRole("button", { name: "Add repository" }).click();
  await expect(page.getByRole("heading", { name: NAME, level: 1 })).toBeVisible();
  await expect(page.getByRole("region", { name: "Location" })).toContainText(LOCATION);
  await isOnlyText(page, "hostile-repository");
  const repositoryId = page.url().split("/").pop();

  await page.getByRole("button", { name: "Remove from here" }).click();
  await expect(page.getByRole("dialog", { name: `Remove ${NAME} from here?` })).toContainText(NAME);
  await isOnlyText(page, "hostile-dialog");
  await page.keyboard.press("Escape");

  await page.goto("/repositories");
  await expect(page.getByRole("row", { name: /onerror=hit/ })).toBeVisible();
  await isOnlyText(page, "hostile-repositories");

  const made = await page.request.post("/api/enrollment-tokens", {
    data: { hostname: "evil-01", tags: ["a:b_c.d-e"], repository_id: repositoryId, initial_paths: [SOURCE] },
  });
  expect(made.ok(), await made.text()).toBe(true);
  await page.goto("/hosts/add");
  await expect(page.getByLabel("Repository", { exact: true })).toContainText(NAME);
  await isOnlyText(page, "hostile-add-host");
  await order("enroll-evil", (await made.json()).token);
});

test("a host that says nothing good is shown with every word of it", async ({ page }) => {
  await page.getByRole("link", { name: "evil-01" }).click();
  await expect(page.getByText("Ready").first()).toBeVisible({ timeout: 60_000 });
  await page.getByRole("button", { name: "Run backup" }).click();
  await expect(page.getByText("Finished with warnings").first()).toBeVisible({ timeout: 60_000 });
  const log = page.getByRole("log");
  await expect(log.getByText("<script>hit('script')</script>", { exact: true })).toBeVisible();
  await expect(log.getByText("zero\ufffdwidth\ufffd soft\ufffdhyphen tag\ufffd").first()).toBeVisible();
  await expect(log.getByText("gpj.exe").first()).toBeVisible();
  await expect(log.getByText("W".repeat(500)).first()).toBeVisible();
  await page.getByText("What could not be read").first().click();
  await expect(page.getByText("/srv/javascript:hit('address')", { exact: true }).first()).toBeVisible();
  await isOnlyText(page, "hostile-job");

  await page.getByRole("link", { name: "evil-01" }).first().click();
  await expect(page.getByRole("heading", { name: "evil-01", level: 1 })).toBeVisible();
  await isOnlyText(page, "hostile-host");
  await page.goto("/hosts");
  await expect(page.getByRole("row", { name: /evil-01/ })).toBeVisible();
  await isOnlyText(page, "hostile-hosts");
});

test("the reason of a failure and the owner of a lock are text as well", async ({ page }) => {
  writeFileSync(join(SOURCE, "fails"), "");
  await page.getByRole("link", { name: "evil-01" }).click();
  await page.getByRole("button", { name: "Run backup" }).click();
  await expect(page.getByText("Failed").first()).toBeVisible({ timeout: 60_000 });
  await expect(page.locator("#main")).toContainText("Fatal: <script>hit('script')</script>");
  await isOnlyText(page, "hostile-failure");

  await page.goto("/repositories");
  await page.getByRole("link", { name: /onerror=hit/ }).click();
  await page.getByRole("region", { name: "Work on it" }).getByRole("button", { name: "Count size" }).click();
  await expect(page.getByText("Succeeded").first()).toBeVisible({ timeout: 60_000 });
  await page.goBack();
  await expect(page.getByText("<img src=x onerror=\"hit('img')\">, {{constructor").first()).toBeVisible();
  await isOnlyText(page, "hostile-locks");
});
