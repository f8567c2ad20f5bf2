// Who may only look: no control that changes anything on any page, and a server that refuses all the same.

import type { Page } from "@playwright/test";

import { expect, inspect, logIn, order, test } from "./fixture.ts";

const VIEWER = { name: "viewer", password: "another battery staple" };
// What a control that changes something begins with.
const CHANGES = /^(Run|Cancel|Replace|Save|Delete|Revoke|Release|Attach|Refresh|Count|Test|Make|Remove|Add|Edit|Set|Use the new|Login)\b/;

test("the server is away for a moment and comes back, and the page says so meanwhile", async ({ page, complaints }) => {
  await logIn(page);
  await expect(page.getByText("live", { exact: true })).toBeVisible();

  // The test's other half makes the user while the server is down.
  const made = order("create-viewer", VIEWER.password);
  await expect(page.getByText(/^paused, as of/)).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await made;
  await expect(page.getByText("live", { exact: true })).toBeVisible({ timeout: 60_000 });

  // The browser itself complains of what it could not fetch meanwhile.
  complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes("Failed to load resource")));
});

test("a viewer finds no control that changes anything, on every page", async ({ page }) => {
  await logIn(page, "/", VIEWER);
  await expect(page.getByRole("link", { name: "All jobs" })).toBeVisible();
  await sees(page, "overview-viewer", []);

  await page.getByRole("link", { name: "Hosts", exact: true }).first().click();
  await page.getByRole("link", { name: "web-01" }).waitFor();
  await sees(page, "hosts-viewer", []);

  await page.getByRole("link", { name: "web-01" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "web-01" })).toBeVisible();
  await expect(page.getByRole("table", { name: "Recent jobs" })).toBeVisible();
  await sees(page, "host-viewer", []);
  for (const tab of ["Snapshots", "Jobs", "Repository", "Settings"]) {
    await page.getByRole("navigation", { name: "Parts of the host" }).getByRole("link", { name: tab }).click();
    await expect(page).toHaveURL(new RegExp(`/${tab.toLowerCase()}$`));
    await expect(page.locator("[aria-busy=true]")).toHaveCount(0);
    await sees(page, `host-${tab.toLowerCase()}-viewer`, []);
  }
  await page.getByRole("navigation", { name: "Parts of the host" }).getByRole("link", { name: "Summary" }).click();

  await page.getByRole("link", { name: "backup", exact: true }).first().click();
  await expect(page.getByRole("log")).toBeVisible();
  await sees(page, "job-viewer", ["Find in log"]);

  await page.goto("/jobs");
  await expect(page.getByRole("row", { name: /backup/ }).first()).toBeVisible();
  await sees(page, "jobs-viewer", []);

  await page.goto("/repositories");
  // By its place: earlier tests give repositories other names.
  await page.getByRole("table", { name: "Repositories" }).getByRole("link").first().click();
  await expect(page.getByRole("heading", { name: "Hosts that use it" })).toBeVisible();
  await sees(page, "repository-viewer", []);
});

test("the server refuses a viewer who asks all the same", async ({ page }) => {
  await logIn(page, "/", VIEWER);
  await expect(page.getByRole("link", { name: "All jobs" })).toBeVisible();
  const hosts = await page.request.get("/api/hosts");
  const [host] = await hosts.json();
  const headers = { origin: process.env.RM_E2E_URL! };
  const calls = [
    page.request.post(`/api/hosts/${host.id}/jobs`, { headers, data: { kind: "backup" } }),
    page.request.patch(`/api/hosts/${host.id}`, { headers, data: { hostname: "web-02", version: host.version } }),
    page.request.delete(`/api/hosts/${host.id}?confirm_hostname=${host.hostname}`, { headers }),
    page.request.post(`/api/hosts/${host.id}/revoke`, { headers, data: { confirm_hostname: host.hostname } }),
    page.request.post("/api/enrollment-tokens", { headers, data: { hostname: "web-03" } }),
  ];
  for (const answer of await Promise.all(calls)) {
    expect(answer.status(), answer.url()).toBe(403);
    expect((await answer.json()).code).toBe("forbidden");
  }
});

// Nothing that changes anything is there for this role, not even locked.
async function sees(page: Page, name: string, fields: string[]) {
  const named = (role: "button" | "textbox" | "checkbox") =>
    page.getByRole(role).evaluateAll((found) =>
      found.map((element) => (element.getAttribute("aria-label") ?? element.textContent ?? "").trim()),
    );
  expect((await named("button")).filter((label) => CHANGES.test(label))).toEqual([]);
  expect((await named("textbox")).filter((label) => !fields.includes(label))).toEqual([]);
  expect(await named("checkbox")).toEqual([]);
  await expect(page.getByRole("link", { name: "Add host" })).toHaveCount(0);
  await inspect(page, name);
}
