import { connect } from 'node:net'
import { once } from 'node:events'
import { expect } from 'vitest'
import { startOriginServer, type Answer, type OriginServer, type Seen } from './origin-server.ts'
import { head, statuses } from './raw-bytes.ts'
import { startStack, type RunningApp } from './stack.ts'

/** The one token that the attacked proxy holds. */
export const TOKEN = '00D000000000001!ours'

export interface Attacked extends AsyncDisposable {
  readonly app: RunningApp
  readonly org: OriginServer
  readonly port: number
  /** Sends these very bytes on a connection of their own, stays, and gives what comes back until the proxy closes it. */
  attack(bytes: string): Promise<string>
  /** As `attack`, but hangs up after the last byte. */
  attackAndLeave(bytes: string): Promise<string>
  /** What of the API's arrived since the last look, the token's own requests aside. */
  reached(): Seen[]
  /** Nothing arrived, and the next caller is served. */
  expectNothing(): Promise<void>
  /** One well-formed request arrived, with one session, ours; the next caller is served. */
  expectOne(): Promise<Seen>
}

/** The whole proxy, and behind it an org that writes down what arrives. `answer` is for its API. */
export async function startAttacked(
  env: Record<string, string> = {},
  answer: Answer = (request, response) => request.resume().on('end', () => response.end('{}')),
): Promise<Attacked> {
  const org = await startOriginServer((request, response) => {
    if (!isTokenCall(request.url)) {
      answer(request, response)
      return
    }
    request.resume()
    response.end(JSON.stringify({ access_token: TOKEN, token_type: 'Bearer' }))
  })
  const app = await startStack(org, { env })
  await app.tokenEvent('obtained')
  let looked = 0

  const reached = () => {
    const calls = org.requests.slice(looked).filter(({ target }) => !isTokenCall(target))
    looked = org.requests.length
    return calls
  }
  const attack = (bytes: string) => exchange(app.port, bytes, false)
  const expectServing = async () => {
    const answered = await attack(lastHead('GET /services/data/served HTTP/1.1', 'X-Api-Key: k3y-of-the-test'))
    expect(statuses(answered)).toEqual([200])
    expect(reached()).toMatchObject([{ target: '/services/data/served' }])
  }
  return {
    app,
    org,
    port: app.port,
    attack,
    attackAndLeave: (bytes) => exchange(app.port, bytes, true),
    reached,
    async expectNothing() {
      expect(reached()).toEqual([])
      await expectServing()
    },
    async expectOne() {
      const [call, ...further] = reached()
      expect(further).toEqual([])
      if (call === undefined) throw new Error('nothing arrived')
      expectOneSession(call)
      await expectServing()
      return call
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await org[Symbol.asyncDispose]()
    },
  }
}

/** A request that is its connection's last, for localhost unless a field says otherwise. */
export function lastHead(requestLine: string, ...fields: string[]): string {
  return head(requestLine, ...fields, 'Connection: close')
}

/** Exactly one Authorization and one Host, and no other place from which a session could be read. */
function expectOneSession({ target, rawHeaders, headers }: Seen): void {
  const named = (name: RegExp) => rawHeaders.filter((field, at) => at % 2 === 0 && name.test(field)).length
  expect(headers.authorization).toBe(`Bearer ${TOKEN}`)
  expect([named(/^authorization$/i), named(/^host$/i)]).toEqual([1, 1])
  expect(named(/^(?:x[-_]sfdc[-_]session|cookie|proxy[-_]authorization|x[-_]api[-_]key)$/i)).toBe(0)
  expect(target).not.toMatch(/(?:oauth|access)_token|sid=/i)
}

function isTokenCall(target = ''): boolean {
  return target === '/services/oauth2/token'
}

async function exchange(port: number, bytes: string, leaves: boolean): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  let answer = ''
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')))
  // A reset is an answer as well: what came before it counts.
  socket.on('error', () => undefined)
  socket.on('end', () => socket.destroy())
  if (leaves) socket.end(bytes, 'latin1')
  else socket.write(bytes, 'latin1')
  await once(socket, 'close')
  return answer
}
