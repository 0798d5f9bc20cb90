import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent } from 'undici'
import { expect, test } from 'vitest'
import { clientCredentialsGrant } from '../../src/token/client-credentials.ts'
import { fingerprint } from '../../src/token/fingerprint.ts'
import { createTokenKeeper } from '../../src/token/keeper.ts'
import { watchSecretFile } from '../../src/token/secret-file.ts'
import { fixedSecret } from '../../src/token/secret-source.ts'
import type { TokenKeeper } from '../../src/token/token-keeper.ts'
import type { TokenEvent } from '../../src/token/token-source.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { TokenEndpoint } from '../support/token-endpoint.ts'

/** Events as they come, to be waited for. */
class Events {
  readonly all: TokenEvent[] = []
  #onEvent = Promise.withResolvers<undefined>()

  add = (event: TokenEvent): void => {
    this.all.push(event)
    this.#onEvent.resolve(undefined)
    this.#onEvent = Promise.withResolvers()
  }

  count(type: TokenEvent['type']): number {
    return this.all.filter((event) => event.type === type).length
  }

  /** Resolves once there are `count` events of this type. */
  async of(type: TokenEvent['type'], count = 1): Promise<void> {
    while (this.count(type) < count) await this.#onEvent.promise
  }
}

test('a rotated secret is tried while the old token serves, and a refused one is named', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'rotation-'))
  const path = join(dir, 'secret')
  await writeFile(path, 'the-first-secret\n')
  await using endpoint = await new TokenEndpoint().listen()
  let accepted = 'the-first-secret'
  endpoint.answering = (response, { form }) => {
    const isRight = form.client_secret === accepted
    const body = isRight
      ? { access_token: `token-of-${accepted}`, token_type: 'Bearer' }
      : { error: 'invalid_client', error_description: 'invalid client credentials' }
    response.writeHead(isRight ? 200 : 400, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  const clock = new FakeClock()
  const events = new Events()
  const dispatcher = new Agent()
  const clientSecret = watchSecretFile({
    setting: 'CLOUDAWARE_CLIENT_SECRET_FILE',
    path,
    clock,
    onEvent: events.add,
    onChange: () => {
      keeper.reload()
    },
  })
  const keeper: TokenKeeper = createTokenKeeper({
    grant: clientCredentialsGrant({
      tokenUrl: `${endpoint.origin}/services/oauth2/token`,
      configuredUrl: endpoint.origin,
      trustedHosts: [],
      clientId: fixedSecret('CLOUDAWARE_CLIENT_ID', 'key'),
      clientSecret,
      clientAuth: 'post',
      dispatcher,
      now: () => clock.now(),
    }),
    clock,
    waitMs: 10_000,
    confirm: () => Promise.resolve('dead'),
    hasWorked: () => false,
    lifetimeSeconds: 7200,
    requestsPerHour: 60,
    onEvent: events.add,
  })
  const rotate = async (secret: string) => {
    const before = events.count('secret-changed')
    await writeFile(path, `${secret}\n`)
    while (events.count('secret-changed') === before) {
      // The file may be seen half-written, and then needs to come to rest once more.
      await Promise.race([events.of('secret-changed', before + 1), clock.waitForSleep(250)])
      await clock.advance(250)
    }
  }

  keeper.start()
  expect((await keeper.get()).value).toBe('token-of-the-first-secret')
  await clock.advance(60_000)
  accepted = 'the-second-secret'

  await rotate('a-mistyped-secret')
  await events.of('failed')
  expect(keeper.get()).toMatchObject({ value: 'token-of-the-first-secret' })
  expect(keeper.status()).toMatchObject({
    state: 'degraded',
    failure: {
      secret: { name: `CLOUDAWARE_CLIENT_SECRET_FILE (${path})`, fingerprint: fingerprint('a-mistyped-secret') },
      diagnosis: { code: 'consumer-secret-refused' },
    },
  })

  await rotate('the-second-secret')
  await clock.advance(5000)
  await events.of('obtained', 2)
  expect(keeper.get()).toMatchObject({ value: 'token-of-the-second-secret' })
  expect(keeper.status()).toMatchObject({ state: 'ready', failure: null })
  expect(JSON.stringify([events.all, keeper.status()])).not.toMatch(/(first|mistyped|second)-secret/)

  await keeper.close()
  await clientSecret.close()
  await dispatcher.close()
  await rm(dir, { recursive: true })
  expect(clock.sleepers).toBe(0)
})
