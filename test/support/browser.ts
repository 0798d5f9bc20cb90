import { chromium, type Browser, type Page } from 'playwright-core'
import { chromiumPath } from './chromium.ts'

export interface TestBrowser extends AsyncDisposable {
  readonly browser: Browser
  /** A page in a profile of its own, such as `http://localhost:8080/`. */
  open(url: string): Promise<Page>
}

export interface BrowserOptions {
  /** Host names that mean 127.0.0.1 to this browser. No other name is ever looked up. */
  readonly hosts?: readonly string[]
}

/** A headless Chromium that reaches nothing beyond loopback. Rejects where the machine has none: see CONTRIBUTING.md. */
export async function startBrowser({ hosts = [] }: BrowserOptions = {}): Promise<TestBrowser> {
  const executablePath = chromiumPath()
  if (executablePath === undefined) throw new Error('no Chromium on this machine: install it, or set CHROMIUM_PATH')
  const rules = [
    ...hosts.map((host) => `MAP ${host} 127.0.0.1`),
    'MAP * ~NOTFOUND',
    'EXCLUDE localhost',
    'EXCLUDE 127.0.0.1',
  ]
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    args: [
      // Test machines run as root and in containers without a graphics card.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      `--host-resolver-rules=${rules.join(', ')}`,
    ],
  })
  return {
    browser,
    async open(url) {
      const context = await browser.newContext()
      const page = await context.newPage()
      await page.goto(url)
      return page
    },
    [Symbol.asyncDispose]: () => browser.close(),
  }
}
