import { describe, expect, test } from 'vitest'
import { run } from '../../src/cli/run.ts'
import type { ApiFailure } from '../../src/emulator/api-failures.ts'
import { startDemoOrg, type DemoOrg } from '../support/demo-org.ts'
import { FakeCli } from '../support/fake-cli.ts'
import { ask } from '../support/http-client.ts'

const LIMITS = '/services/data/v62.0/limits'

interface Status {
  apiRefusals: { family: string; diagnosis: string; count: number; since: string; last: string }[]
}
const statusOf = async ({ app }: DemoOrg) => (await (await fetch(`${String(app.adminUrl)}/status`)).json()) as Status // as /status is documented
const apiCalls = ({ emulator }: DemoOrg) => emulator.requests.filter(({ target }) => target === LIMITS).length

describe('an API that refuses the session for a reason that a new token cannot mend', () => {
  test.each([
    ['session-not-valid-for-rest', 401, 'This session is not valid for use with the REST API', 'scope "api"'],
    ['not-attached-to-agent', 401, 'Connected app is not attached to Agent', 'another Run As user'],
    ['invalid-auth-header', 401, 'INVALID_AUTH_HEADER', 'CLOUDAWARE_API_URL'],
    ['api-disabled', 403, 'API_DISABLED_FOR_ORG', 'API Enabled'],
    ['api-currently-disabled', 403, 'API_CURRENTLY_DISABLED', 'Cloudaware support'],
    ['url-not-reset', 401, 'URL_NOT_RESET', 'My Domain'],
  ] as const)(
    '%s: passed through once, with what mends it in log and status',
    async (failure: ApiFailure, status, body, fix) => {
      await using demo = await startDemoOrg({ records: 20 })
      await demo.app.tokenEvent('obtained')
      demo.emulator.org.fail(failure)
      const reply = await ask(demo.app.port, LIMITS)
      expect([reply.status, reply.text]).toEqual([status, expect.stringContaining(body)])
      expect(reply.headers['proxy-status']).toBeUndefined()
      expect([apiCalls(demo), demo.emulator.tokenRequests()]).toEqual([1, 1])
      await demo.app.logged('for a reason that a new token cannot mend')
      expect(demo.app.log()).toContain(JSON.stringify(fix).slice(1, -1))
      expect(await statusOf(demo)).toMatchObject({
        apiRefusals: [{ family: 'rest', count: 1, diagnosis: expect.stringContaining(fix) as string }],
      })
    },
  )

  test('is warned of once, counted while it lasts, and forgotten when a request succeeds', async () => {
    await using demo = await startDemoOrg({ records: 20 })
    demo.emulator.org.fail('api-disabled', 3)
    for (let n = 0; n < 3; n++) await ask(demo.app.port, LIMITS)
    const warnings = demo.app
      .log()
      .split('\n')
      .filter((line) => line.includes('cannot mend') && line.includes('"level":40'))
    expect(warnings).toHaveLength(1)
    const { apiRefusals } = await statusOf(demo)
    expect(apiRefusals).toMatchObject([{ count: 3 }])
    // Refused by the proxy itself: says nothing of the API.
    await ask(demo.app.port, '/secur/frontdoor.jsp')
    expect(await statusOf(demo)).toEqual(expect.objectContaining({ apiRefusals }))
    expect((await ask(demo.app.port, LIMITS)).status).toBe(200)
    expect((await statusOf(demo)).apiRefusals).toEqual([])
  })

  test('is what the status command shows', async () => {
    await using demo = await startDemoOrg({ records: 20 })
    demo.emulator.org.fail('session-not-valid-for-rest')
    await ask(demo.app.port, LIMITS)
    await using cli = new FakeCli(['status', '--admin-port', new URL(String(demo.app.adminUrl)).port], { env: {} })
    await run(cli)
    expect(cli.printed).toMatch(
      /The REST API refuses the session[^]*Seen +1 in a row, since 20[^]*To do[^]*scope\s+"api"/,
    )
  })
})
