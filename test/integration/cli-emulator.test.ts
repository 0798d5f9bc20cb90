import { parseEnv } from 'node:util'
import { expect, test } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { FakeCli } from '../support/fake-cli.ts'

function settingsIn(text: string): Record<string, string | undefined> {
  return parseEnv(text)
}

test('the emulator tells how to point a proxy at it, answers the token endpoint, and stops', async () => {
  await using cli = new FakeCli(['emulator'])
  expect(await run(cli)).toBeUndefined()
  const { CLOUDAWARE_URL: url, CLOUDAWARE_CLIENT_ID, CLOUDAWARE_CLIENT_SECRET } = settingsIn(cli.printed)
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: String(CLOUDAWARE_CLIENT_ID),
    client_secret: String(CLOUDAWARE_CLIENT_SECRET),
  })
  const answer = await fetch(`${url}/services/oauth2/token`, { method: 'POST', body })
  expect(await answer.json()).toMatchObject({ token_type: 'Bearer', instance_url: url })
  expect(await cli.stop()).toBe(true)
  await expect(fetch(`${url}/services/data`)).rejects.toThrow()
})

test('the emulator says in one line that its port is in use', async () => {
  await using first = new FakeCli(['emulator'])
  await run(first)
  const port = new URL(String(settingsIn(first.printed).CLOUDAWARE_URL)).port
  const second = new FakeCli(['emulator', '--port', port])
  expect(await run(second)).toBe(1)
  expect(second.complained).toBe(
    `--port: port ${port} on 127.0.0.1 is already in use. Choose another, or 0 for any free one.\n`,
  )
})

test('what nobody caught is told on the standard error', async () => {
  await using cli = new FakeCli(['emulator'])
  await run(cli)
  const [stop] = cli.stops
  stop?.onCrash(new Error('a mistake'))
  stop?.onCrash('no error')
  expect(cli.complained).toMatch(/^Error: a mistake\n(.*\n)*no error\n$/)
})
