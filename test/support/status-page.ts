import type { BrowserContextOptions, Page } from 'playwright-core'
import type { TestBrowser } from './browser.ts'

export interface OpenPage {
  readonly page: Page
  /** What must never happen on it: script errors, blocked content, dialogs of the browser's, requests elsewhere. */
  readonly misdeeds: () => Promise<readonly string[]>
}

/** Opens the status page in a profile of its own and waits until it is live. */
export async function openStatusPage(
  { browser }: TestBrowser,
  adminUrl: string,
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'], ...options })
  const page = await context.newPage()
  const misdeeds: string[] = []
  page.on('pageerror', (error) => misdeeds.push(`error: ${error.message}`))
  page.on('console', (message) => {
    // Chromium reports each answer that is an error; the page deals with those.
    const isAnswer = message.text().startsWith('Failed to load resource')
    if (message.type() === 'error' && !isAnswer) misdeeds.push(`console: ${message.text()}`)
  })
  page.on('dialog', (dialog) => {
    misdeeds.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', (request) => {
    if (!request.url().startsWith(`${adminUrl}/`)) misdeeds.push(`request: ${request.url()}`)
  })
  await page.addInitScript(`
    window.blocked = []
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile }) => {
      window.blocked.push(violatedDirective + ' ' + blockedURI + ' ' + sourceFile)
    })
  `)
  await page.goto(`${adminUrl}/`)
  await page.locator('[data-contact=live]').waitFor()
  return {
    page,
    misdeeds: async () => [...misdeeds, ...(await page.evaluate<string[]>('window.blocked'))],
  }
}
