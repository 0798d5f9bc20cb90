import { createHook } from 'node:async_hooks'
import { Socket } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { hotPath } from '../support/hot-path.ts'

/** What an ordinary request costs is counted, not timed: the same on every machine, and under any load. */
const REQUESTS = 200

/** In the source of expressions for a plain path, a Host, a record's id, a glob of the policy, a login's path. */
const MEANING = /\[\\w-\]\[\\w\.-\]|\\d\{1,5\}|\{15\}|\[\^\/\]|oauth2\\\//

afterEach(() => {
  vi.restoreAllMocks()
})

test('an ordinary request is one write each way, one line, and neither a promise nor a parsed URL', async () => {
  await using path = await hotPath()
  const { lines } = path
  await path.ask(REQUESTS)

  lines.length = 0
  // What a stream calls to write one piece, or several in one go: the methods that its types keep to themselves.
  const pipes = Socket.prototype as unknown as { _write: () => void; _writev: () => void }
  const written = vi.spyOn(pipes, '_write')
  const gathered = vi.spyOn(pipes, '_writev')
  const parsed = vi.spyOn(globalThis, 'URL')
  const parse = vi.spyOn(JSON, 'parse')
  const stringify = vi.spyOn(JSON, 'stringify')
  const decoded = vi.spyOn(Buffer.prototype, 'toString')
  const searched = vi.spyOn(RegExp.prototype, 'exec')
  let promises = 0
  const hook = createHook({
    init(_id, type) {
      if (type === 'PROMISE') promises += 1
    },
  }).enable()
  await path.ask(REQUESTS)
  hook.disable()

  // The caller's, the proxy's to the upstream, the upstream's, the proxy's to the caller.
  expect((written.mock.calls.length + gathered.mock.calls.length) / REQUESTS).toBe(4)
  expect(lines).toHaveLength(REQUESTS)
  expect(parsed).not.toHaveBeenCalled()
  expect(parse).not.toHaveBeenCalled()
  expect(stringify).not.toHaveBeenCalled()
  // Head and body in one piece each time.
  expect(gathered).not.toHaveBeenCalled()
  const texts = decoded.mock.results
    .filter((_, n) => decoded.mock.calls[n]?.[0] === 'latin1')
    .map(({ value }) => String(value))
  const bodies = texts.filter((text) => text.startsWith('{'))
  expect(bodies).toHaveLength(REQUESTS)
  // undici's own, for the five values of an answer's fields: what comes again is not decoded once more for the caller.
  const ofFields = texts.filter((text) => text !== '' && !bodies.includes(text))
  expect(ofFields.length / REQUESTS).toBeLessThan(6)
  // What this path, this host and this method mean was found out by the first requests.
  const ofMeaning = (searched.mock.contexts as RegExp[]).filter(({ source }) => MEANING.test(source))
  expect(ofMeaning).toEqual([])
  // Timers of the background make a few, whatever the number of requests.
  expect(promises).toBeLessThan(REQUESTS / 2)
})
