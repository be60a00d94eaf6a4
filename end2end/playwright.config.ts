// One real server with a demo in it for all tests (support/setup.ts starts it); three kinds of visitor.
import { defineConfig, devices } from '@playwright/test';

const phone = {
  ...devices['Pixel 7'],
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
};

export default defineConfig({
  testDir: 'tests',
  outputDir: 'test-results/tests',
  globalSetup: './support/setup.ts',
  // Tests share one server, so each makes what it changes; then they can run side by side.
  fullyParallel: true,
  workers: 2,
  forbidOnly: !!process.env.CI,
  // A test that passes at the second try hides a race.
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [['list'], ['json', { outputFile: 'test-results/report.json' }]],
  use: {
    browserName: 'chromium',
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  projects: [
    {
      name: 'desktop',
      testIgnore: [/\.phone\.spec\.ts$/, /\.noscript\.spec\.ts$/],
      use: { viewport: { width: 1280, height: 800 } },
    },
    { name: 'phone', testMatch: /\.phone\.spec\.ts$/, use: phone },
    { name: 'noscript', testMatch: /\.noscript\.spec\.ts$/, use: { ...phone, javaScriptEnabled: false } },
  ],
});
