import { startOriginServer, type OriginServer, type Seen } from './origin-server.ts'

export interface WebOrg extends AsyncDisposable {
  readonly url: string
  /** What arrived, the token's own requests aside. */
  calls(): readonly Seen[]
}

/** An org that issues a token and answers every call with JSON, its allowance and CORS fields of its own. */
export async function startWebOrg(): Promise<WebOrg> {
  const org: OriginServer = await startOriginServer((request, response) => {
    request.resume()
    response.setHeader('content-type', 'application/json')
    if (isTokenCall(request.url)) {
      response.end('{"access_token":"00D000000000001!web","token_type":"Bearer"}')
      return
    }
    response.setHeader('sforce-limit-info', 'api-usage=18/5000')
    response.setHeader('access-control-allow-origin', 'https://acme.lightning.force.com')
    response.end('{"answer":"of the org"}')
  })
  return {
    url: org.url,
    calls: () => org.requests.filter(({ target }) => !isTokenCall(target)),
    [Symbol.asyncDispose]: () => org[Symbol.asyncDispose](),
  }
}

function isTokenCall(target = ''): boolean {
  return target === '/services/oauth2/token'
}
