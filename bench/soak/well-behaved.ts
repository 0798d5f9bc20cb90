import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { readReply, type Reply } from '../../test/support/http-client.ts'
import type { Part } from './misbehaving.ts'
import { failureOf } from './tally.ts'

const V = '/services/data/v62.0'
const OBJECT = 'CA10__CaAwsInstance__c'
const SOAP = '/services/Soap/u/62.0'
const PAUSE_MS = 60

interface Call {
  readonly method?: string
  readonly path: string
  readonly type?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  /** What the answer must hold to be the request's own. */
  readonly own?: string
  /** Where a refusal of the session is the org's to make: a cursor of an earlier session, an Apex class. */
  readonly mayBeRefused?: boolean
}

/** A client that sends whole requests, one after the other on a kept connection, and reads its answers: all API families in turn. */
export async function behave(part: Part): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const call = (what: Call) => counted(part, agent, what)
  // Opened once and asked for ever after: its session ends, and nothing that the client does helps.
  const old = part.n % 4 === 0 ? await firstPage(call) : undefined
  const record = await recordId(call)
  while (!part.isOver()) {
    for (const step of steps(part, call, { old, record })) {
      if (part.isOver()) break
      await step()
      await sleep(PAUSE_MS)
    }
  }
  agent.destroy()
}

type Caller = (what: Call) => Promise<Reply | undefined>

const query = (soql: string) => `${V}/query?q=${encodeURIComponent(soql)}`
const envelope = (operation: string) =>
  `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body>${operation}</Body></Envelope>`

function steps(part: Part, call: Caller, { old, record }: { old: string | undefined; record: string }) {
  const isOurs = part.soaked.isOrgOurs
  const json = { type: 'application/json' }
  const soap = (operation: string, more: Partial<Call> = {}) =>
    call({
      method: 'POST',
      path: SOAP,
      type: 'text/xml',
      headers: { soapaction: '""' },
      body: envelope(operation),
      ...more,
    })
  return [
    () => call({ path: `${V}/sobjects/${OBJECT}/${record}?fields=Id,Name`, own: record }),
    () => call({ path: `${V}/limits`, own: 'DailyApiRequests' }),
    () => call({ path: query(`SELECT Id FROM ${OBJECT} WHERE Id = '${record}'`), own: record }),
    () => pages(call),
    ...(old === undefined ? [] : [() => call({ path: old, mayBeRefused: true })]),
    () =>
      call({
        method: 'POST',
        path: `${V}/composite`,
        ...json,
        body: JSON.stringify({
          compositeRequest: [{ method: 'GET', url: `${V}/sobjects/${OBJECT}/${record}`, referenceId: `r${part.n}` }],
        }),
        own: `"r${part.n}"`,
      }),
    () => soap('<getUserInfo xmlns="urn:partner.soap.sforce.com"/>', { own: 'getUserInfoResponse' }),
    () =>
      soap(
        `<query xmlns="urn:partner.soap.sforce.com"><queryString>SELECT Id FROM ${OBJECT} WHERE Id = '${record}'</queryString></query>`,
        { own: record },
      ),
    () => call({ path: '/services/oauth2/userinfo', own: 'organization_id' }),
    () =>
      call({
        method: 'POST',
        path: '/services/oauth2/token',
        type: 'application/x-www-form-urlencoded',
        body: 'grant_type=password&username=u&password=p',
        own: 'access_token',
      }),
    () => call({ method: 'POST', path: '/cometd/62.0', ...json, body: HANDSHAKE, own: '/meta/handshake' }),
    // Of an org of somebody's own nothing is changed, and no job is made.
    ...(isOurs ? writes(part, call) : []),
  ]
}

const HANDSHAKE = JSON.stringify([
  { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'], id: '1' },
])

function writes({ n }: Part, call: Caller) {
  const json = { method: 'POST', type: 'application/json' }
  const create = `${V}/sobjects/${OBJECT}`
  return [
    () => call({ ...json, path: create, body: JSON.stringify({ Name: `soak ${n}` }), own: '"success":true' }),
    // Within what is held for a repeat, and in many pieces.
    () => call({ ...json, path: create, body: JSON.stringify({ Name: 'soak' + ' '.repeat(300_000) }) }),
    () => call({ ...json, path: '/services/apexrest/relay', body: '{}', mayBeRefused: true }),
    async () => {
      const job = await call({
        ...json,
        path: `${V}/jobs/query`,
        body: JSON.stringify({ operation: 'query', query: `SELECT Id FROM ${OBJECT} LIMIT 50` }),
        own: 'V2Query',
      })
      const id = idIn(job)
      if (id === undefined) return
      await call({ path: `${V}/jobs/query/${id}`, own: id })
      await call({ path: `${V}/jobs/query/${id}/results` })
      await call({ method: 'DELETE', path: `${V}/jobs/query/${id}` })
    },
    async () => {
      const path = '/services/async/62.0/job'
      const job = await call({
        ...json,
        path,
        body: JSON.stringify({ operation: 'query', object: OBJECT, contentType: 'JSON' }),
        own: 'numberBatchesTotal',
      })
      const id = idIn(job)
      if (id !== undefined) await call({ ...json, path: `${path}/${id}`, body: '{"state":"Closed"}', own: id })
    },
  ]
}

/** Reads two pages. A session that ended between them ends the cursor, which is the platform's way. */
async function pages(call: Caller): Promise<void> {
  const next = await firstPage(call)
  if (next !== undefined) await call({ path: next, mayBeRefused: true })
}

async function firstPage(call: Caller): Promise<string | undefined> {
  const page = await call({
    path: query(`SELECT Id FROM ${OBJECT}`),
    headers: { 'sforce-query-options': 'batchSize=200' },
    own: 'totalSize',
  })
  return /"nextRecordsUrl":"([^"]+)"/.exec(page?.text ?? '')?.[1]
}

async function recordId(call: Caller): Promise<string> {
  const found = await call({ path: query(`SELECT Id FROM ${OBJECT} LIMIT 1`) })
  return /"Id":"(\w+)"/.exec(found?.text ?? '')?.[1] ?? 'a035f0000000000AAA'
}

const idIn = (reply: Reply | undefined) => /"id":"(\w+)"/.exec(reply?.text ?? '')?.[1]

/** Undefined where there was no whole answer. */
async function counted({ soaked, tally }: Part, agent: Agent, what: Call): Promise<Reply | undefined> {
  const name = `${what.method ?? 'GET'} ${what.path.split('?')[0] ?? ''}`
  let reply: Reply
  try {
    reply = await send(soaked.port, agent, what)
  } catch (error) {
    tally.add('no whole answer', soaked.hasEnded() ? `${name}: the proxy has ended` : `${name}: ${String(error)}`)
    await sleep(PAUSE_MS)
    return undefined
  }
  const { status, text, headers } = reply
  const proxyStatus = headers['proxy-status']?.toString()
  const isOwnError = proxyStatus?.includes('error=') === true
  const failure =
    failureOf(
      { status, proxyStatus, text },
      { mayBeRefused: what.mayBeRefused === true, isUpstreamOurs: soaked.isOrgOurs },
    ) ??
    (status < 300 && what.own !== undefined && !text.includes(what.own)
      ? `not its own answer: ${text.slice(0, 300)}`
      : undefined)
  const code = isOwnError ? (/PROXY_\w+/.exec(text)?.[0] ?? 'proxy') : 'Cloudaware'
  tally.add(`${status} ${code}`, failure && `${name}: ${failure}`)
  return reply
}

async function send(
  port: number,
  agent: Agent,
  { method = 'GET', path, type, body = '', headers }: Call,
): Promise<Reply> {
  const request = httpRequest({
    host: '127.0.0.1',
    port,
    path,
    method,
    agent,
    headers: {
      'content-length': Buffer.byteLength(body),
      ...(type !== undefined && { 'content-type': type }),
      ...headers,
    },
  })
  request.end(body)
  // The 'response' event carries one IncomingMessage.
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return readReply(response)
}
