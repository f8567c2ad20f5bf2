import { defineConfig } from "@playwright/test";

// The journeys build on each other: one server, one browser, in the order of the files.
export default defineConfig({
  testDir: ".",
  workers: 1,
  fullyParallel: false,
  maxFailures: 0,
  timeout: 300_000,
  expect: { timeout: 20_000 },
  reporter: [["line"]],
  outputDir: `${process.env.RM_E2E_OUT}/results/${process.env.RM_E2E_NAME}`,
  use: {
    baseURL: process.env.RM_E2E_URL,
    actionTimeout: 60_000,
    viewport: { width: 1440, height: 900 },
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    colorScheme: "light",
    reducedMotion: "reduce",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM_BIN ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
      ],
    },
  },
});
