import { once } from 'node:events'
import { connect } from 'node:net'
import { expect } from 'vitest'
import { lastHead, startAttacked, TOKEN } from './attacked.ts'
import { connectionBytes } from './http-grammar.ts'
import type { Seen } from './origin-server.ts'
import fc from './properties.ts'
import { statuses } from './raw-bytes.ts'

/** So many connections at once, each with a message. */
const SALVO = 50

/** What may arrive at the org, said once more and apart from the policy's own code: a path is read as generously as can be. */
const SERVED = /^\/(?:services\/(?:data|apexrest|async|soap\/[ucmst]|oauth2\/userinfo)|cometd|id)(?:\/|$)/
const NEVER = [
  /^\/secur/,
  /^\/services\/oauth2\/(?!userinfo$)/,
  /^\/services\/soap\/s/,
  /^\/services\/data\/[^/]+\/tooling\/executeanonymous(?:\/|$)/,
  /^\/services\/data\/[^/]+\/sobjects\/.*\/password$/,
  // Dot segments, empty ones, backslashes and controls, however they were written.
  /\/\.+(?:\/|$)|\/\/|\\|[^ -~]/,
]

/** Decoded to the end, look-alikes made one, without parameters of segments, blanks at their edges, a final slash, or a format. */
function generously(path: string): string {
  const decoded = path.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  if (decoded !== path) return generously(decoded)
  const plain = Buffer.from(path, 'latin1')
    .toString('utf8')
    .normalize('NFKC')
    // Both, since letters without a dot or with two forms become one only so.
    .toUpperCase()
    .toLowerCase()
    .replace(/;[^/]*/g, '')
    .replace(/(?<=[^/])[?#][^/]*/g, '')
    .replace(/ *\/ */g, '/')
    .trimEnd()
  return plain.replace(/\/$/, '').replace(/(?<=[^/.])(?:\.(?:json|xml)?)+$/, '')
}

/** That of a request, or of a part of a composite. */
function expectAllowedPath(path: string): void {
  expect(generously(path), path).toMatch(SERVED)
  // What is no ASCII in a path has look-alikes, which are the unit tests' matter.
  for (const never of /%[89a-f]/i.test(path) ? [] : NEVER) expect(generously(path), path).not.toMatch(never)
}

/** The paths that a composite names; undefined where it has not come whole. A word in it is no path: `/x./secur` is nobody's login page. */
function partsOf(composite: string): string[] | undefined {
  const paths: string[] = []
  try {
    JSON.parse(composite, (name, value: unknown) => {
      if (name !== 'url' || typeof value !== 'string') return
      const path = value.split('?')[0] ?? ''
      paths.push(/^v\d/i.test(path) ? `/services/data/${path}` : path)
    })
  } catch {
    return undefined
  }
  return paths
}

/** Whether it changes something to anybody who reads it: by its method, or by one that its query or a field names. */
function isWrite({ method, target, rawHeaders }: Pick<Seen, 'method' | 'target' | 'rawHeaders'>): boolean {
  const overridden =
    /\?(?:.*[&;])?_httpmethod=/is.test(target) || /(?:^|,)x[-_](?:http[-_])?method/i.test(rawHeaders.join())
  return overridden || !['GET', 'HEAD', 'OPTIONS'].includes(method)
}

const COMPOSITE = /^\/services\/data\/[^/]+\/(?:composite(?:\/batch|\/graph)?|connect\/batch)$/
const JOB = /^\/services\/(?:data\/[^/]+\/jobs\/ingest|async\/[^/]+\/job)$/
const SESSION = /(?<![a-z\d])0ak[a-z\d]{12}/i

/** Nobody's session is deleted, whichever way. */
function expectNoSessionEnded(request: Seen, sent: string): void {
  const what = `${request.method} ${request.target} ${sent}`
  const path = generously(request.target.split('?')[0] ?? '')
  const query = /\?.*/s.exec(request.target)?.[0] ?? ''
  const ids = [...new URLSearchParams(query)].flat().join(' ')
  const named = /\/composite\/sobjects(?:\/|$)/.test(path) ? `${path} ${ids}` : path
  if (path.startsWith('/services/data/') && isWrite(request)) expect(named, what).not.toMatch(SESSION)
  if (path.startsWith('/services/soap/') && sent.includes('<delete')) expect(sent, what).not.toMatch(SESSION)
  if (JOB.test(path) && isWrite(request)) expect(sent, what).not.toMatch(/"AuthSession"/)
  if (COMPOSITE.test(path) && sent.includes('"DELETE"')) expect(sent, what).not.toMatch(SESSION)
}

async function expectAllowed(request: Seen): Promise<void> {
  const { method, target, rawHeaders, headers, body } = request
  const path = target.split('?')[0] ?? ''
  expectAllowedPath(path)
  expect(['TRACE', 'CONNECT']).not.toContain(method)
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase().replaceAll('_', '-'))
  expect(names.filter((name) => name === 'authorization')).toHaveLength(1)
  expect(names.filter((name) => name === 'host')).toHaveLength(1)
  expect(headers.authorization).toMatch(new RegExp(`^(?:Bearer|OAuth) ${TOKEN}$`))
  expect([undefined, TOKEN]).toContain(headers['x-sfdc-session'])
  const parameters = [...new URLSearchParams(`&${target.slice(path.length + 1)}`).keys()].map((name) =>
    name.toLowerCase(),
  )
  expect(parameters).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(?:oauth_token|access_token|sid)$/)]))
  expect(names).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(?:proxy-authorization|x-api-key)$/)]))
  // Callers of the salvo leave, and a body may then break off.
  const sent = (await body.catch(() => '')).toString()
  if (COMPOSITE.test(generously(path))) {
    const parts = partsOf(sent)
    if (parts === undefined) expect(sent, `${method} ${target}`).not.toMatch(/secur|executeAnonymous/)
    for (const part of parts ?? []) expectAllowedPath(part)
  }
  if (generously(path).startsWith('/services/soap/')) expect(sent, `${method} ${target}`).not.toMatch(/logout|DOCTYPE/)
  expectNoSessionEnded(request, sent)
}

/** All at once; those whose message never ends leave when a later request has been answered, so the proxy has read them all. */
async function salvo(port: number, messages: readonly string[], later: () => Promise<unknown>): Promise<string[]> {
  const callers = messages.map((bytes) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const caller = { socket, answer: '', closed: once(socket, 'close') }
    socket.on('data', (chunk: Buffer) => (caller.answer += chunk.toString('latin1')))
    socket.on('error', () => undefined)
    socket.write(bytes, 'latin1')
    return caller
  })
  await later()
  for (const { socket } of callers) socket.end()
  await Promise.all(callers.map(({ closed }) => closed))
  return callers.map(({ answer }) => answer)
}

/** So many messages, most of them damaged: no crash, no 5xx, nothing forbidden arrives, and one session on each that does. */
export async function fuzzGuard(messages: number): Promise<void> {
  await using place = await startAttacked()
  const served = { requests: 0, answers: new Map<number, number>() }
  const last = lastHead('GET /services/data/later HTTP/1.1')
  await fc.assert(
    fc.asyncProperty(fc.array(connectionBytes, { minLength: SALVO, maxLength: SALVO }), async (sent) => {
      const answers = await salvo(place.port, sent, () => place.attack(last))
      for (const [at, answer] of answers.entries()) {
        for (const status of statuses(answer)) {
          // SOAP 1.1 §6.2 wants 500 for a fault, whoever is to blame.
          const isFault = status === 500 && answer.includes('<soapenv:Fault>')
          // RFC 9112 §6.1 has a status for unknown transfer codings.
          const isCoding = status === 501 && answer.includes('PROXY_CODING_UNSUPPORTED')
          expect(isFault || isCoding || status < 500, `to ${JSON.stringify(sent[at])}: ${answer}`).toBe(true)
          served.answers.set(status, (served.answers.get(status) ?? 0) + 1)
        }
      }
      const arrived = place.reached()
      served.requests += arrived.length
      for (const request of arrived) await expectAllowed(request)
    }),
    { numRuns: messages / SALVO, endOnFailure: true },
  )
  // Else the above would have been asked of nothing.
  expect(served.requests).toBeGreaterThan(1_500)
  expect([...served.answers.keys()]).toEqual(expect.arrayContaining([200, 400, 403, 405, 431, 501]))
  await place.expectNothing()
}
