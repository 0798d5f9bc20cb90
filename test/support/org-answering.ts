import { startOriginServer, type Answer, type OriginServer, type Seen } from './origin-server.ts'
import { startStack, type RunningApp, type StackOptions } from './stack.ts'

export const API_TOKEN = '00D000000000001!AQEAQ.test.token'

export interface OrgAnswering extends AsyncDisposable {
  readonly org: OriginServer
  readonly app: RunningApp
  /** What the API was sent, without the token requests. */
  api(): readonly Seen[]
}

/** The proxy in front of an org that gives its token to whoever asks for it, and `answer` to the API. */
export async function startOrgAnswering(answer: Answer, options: StackOptions = {}): Promise<OrgAnswering> {
  const org = await startOriginServer((request, response) => {
    if (request.url === '/services/oauth2/token') {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ access_token: API_TOKEN, token_type: 'Bearer' }))
    } else {
      answer(request, response)
    }
  })
  const app = await startStack(org, options)
  return {
    org,
    app,
    api: () => org.requests.filter(({ target }) => target !== '/services/oauth2/token'),
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await org[Symbol.asyncDispose]()
    },
  }
}
