import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { openSync, closeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { freePort } from '../support/redis.ts'
import { seriesOf } from '../support/scrape.ts'
import { startOriginServer } from '../support/origin-server.ts'

/* Whatever becomes of the log, the proxy serves. */

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** What /status says of the program that has this marker among its settings; another may have taken the port meanwhile. */
async function statusOf(admin: string, marker: string): Promise<{ url: string; log: unknown } | undefined> {
  const answer = await fetch(`${admin}/status`).catch(() => undefined)
  const text = answer?.ok === true ? await answer.text() : ''
  // Its own form, as the marker shows.
  return text.includes(marker) ? (JSON.parse(text) as { url: string; log: unknown }) : undefined
}

/** The real program, with its standard output on this descriptor, once it has a token. */
async function startOn(stdout: number | 'pipe', command: string, orgUrl: string, format = 'json') {
  const marker = `${randomUUID()}.example`
  const adminPort = await freePort()
  const flags = ['--proxy-port=0', `--admin-port=${adminPort}`, `--proxy-allowed-hosts=${marker}`]
  const child = spawn(process.execPath, [MAIN, command, ...flags, `--log-format=${format}`, '--log-level=info'], {
    env: { CLOUDAWARE_URL: orgUrl, CLOUDAWARE_CLIENT_ID: 'id', CLOUDAWARE_CLIENT_SECRET: 'secret-of-the-test' },
    cwd: import.meta.dirname,
    stdio: ['ignore', stdout, 'pipe'],
  })
  const complaints = text(child.stderr ?? Readable.from([]))
  const admin = `http://127.0.0.1:${adminPort}`
  await expect.poll(() => statusOf(admin, marker), { timeout: 20_000 }).toHaveProperty('token.token.ageSeconds')
  const status = async () => {
    const found = await statusOf(admin, marker)
    if (found === undefined) throw new Error('no status')
    return found
  }
  const { url } = await status()
  return {
    child,
    status,
    ask: async () => (await fetch(`${url}/services/data/v62.0/limits`)).status,
    async lost() {
      const series = seriesOf(await (await fetch(`${admin}/metrics`)).text())
      return series.find(({ name }) => name === 'cloudaware_proxy_log_lines_lost_total')?.value ?? 0
    },
    /** As SIGTERM ends it. */
    async end() {
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'exit')
      return { code: child.exitCode, complaints: await complaints }
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

const orgUrl = () =>
  startOriginServer((request, response) => {
    request.resume()
    if (request.url !== '/services/oauth2/token') response.end('{}')
    else response.end('{"access_token":"00D000000000001!ours","token_type":"Bearer"}')
  })

describe('a full disk', () => {
  test.each([
    ['serve', 'json'],
    ['serve', 'pretty'],
    ['demo', 'json'],
  ])('under %s in %s', async (command, format) => {
    await using org = await orgUrl()
    const full = openSync('/dev/full', 'w')
    await using running = await startOn(full, command, org.url, format)
    closeSync(full)
    const before = await running.lost()
    expect(before).toBeGreaterThan(0)
    for (let count = 0; count < 3; count += 1) expect(await running.ask()).toBe(200)
    await expect.poll(() => running.lost()).toBeGreaterThanOrEqual(before + 3)
    expect(await running.status()).toMatchObject({ log: { problem: 'ENOSPC' } })
    const { code, complaints } = await running.end()
    expect(code).toBe(0)
    expect(complaints.split('\n').filter((line) => line.includes('ENOSPC: no space left'))).toHaveLength(1)
  })
})

test('a reader that goes away', async () => {
  await using org = await orgUrl()
  await using running = await startOn('pipe', 'serve', org.url)
  running.child.stdout?.destroy()
  for (let count = 0; count < 3; count += 1) expect(await running.ask()).toBe(200)
  await expect.poll(() => running.lost()).toBe(3)
  const { code, complaints } = await running.end()
  expect(code).toBe(0)
  expect(complaints).toContain('EPIPE: its reader is gone')
})

test('a reader that stalls, and reads on', async () => {
  await using org = await orgUrl()
  await using running = await startOn('pipe', 'serve', org.url)
  // Nobody reads the pipe: 64 KiB fit into it, and 1 MiB is kept.
  const lanes = Array.from({ length: 20 }, async () => {
    for (let count = 0; count < 350; count += 1) await running.ask()
  })
  await Promise.all(lanes)
  expect(await running.lost()).toBeGreaterThan(0)
  const { stdout } = running.child
  if (stdout === null) throw new Error('no pipe')
  for await (const line of createInterface({ input: stdout })) if (line.includes('lines of the log were lost')) break
  const { code, complaints } = await running.end()
  expect(code).toBe(0)
  expect(complaints).toContain('its reader does not read on')
}, 60_000)

test.each([
  ['--help', '/dev/full', 1, 'cannot be written (ENOSPC)'],
  ['--help', '/dev/null', 0, ''],
])('a command whose output is lost fails: %s > %s', async (flag, path, code, complaint) => {
  const output = openSync(path, 'w')
  const child = spawn(process.execPath, [MAIN, flag], { env: {}, stdio: ['ignore', output, 'pipe'] })
  closeSync(output)
  const [complaints] = await Promise.all([text(child.stderr ?? Readable.from([])), once(child, 'close')])
  expect(child.exitCode).toBe(code)
  expect(complaints).toContain(complaint)
})
