import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { selfSignedCertificate } from '../support/certificates.ts'
import { readReply, type Question, type Reply } from '../support/http-client.ts'
import { scraped } from '../support/login-client.ts'
import { startStack } from '../support/stack.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { writeFile } from 'node:fs/promises'

/*
 * The first requests of tools that are not to be had here (Python, Java), as their sources send them, over the https listener that
 * they insist on; and what their sources then look for in the answers.
 */

interface Secure extends AsyncDisposable {
  readonly url: string
  readonly requests: Awaited<ReturnType<typeof startEmulator>>['requests']
  readonly org: Awaited<ReturnType<typeof startEmulator>>['org']
  ask(path: string, question: Question): Promise<Reply>
}

async function startSecure(env: Record<string, string> = {}): Promise<Secure> {
  const directory = await temporaryDirectory()
  const { key, cert } = await selfSignedCertificate()
  const [certFile, keyFile] = [directory.file('cert'), directory.file('key')]
  await writeFile(certFile, cert)
  await writeFile(keyFile, key)
  const emulator = await startEmulator({ records: 20 })
  const app = await startStack(emulator, {
    env: { PROXY_TLS_PORT: '0', PROXY_TLS_CERT_FILE: certFile, PROXY_TLS_KEY_FILE: keyFile, ...env },
  })
  const port = Number(new URL(app.tls?.url ?? '').port)
  return {
    url: `https://localhost:${port}`,
    requests: emulator.requests,
    org: emulator.org,
    async ask(path, { body, headers, ...question }) {
      const fields = { host: `localhost:${port}`, ...(headers as Record<string, string>) } // plain objects, here
      const asked = httpsRequest({
        host: '127.0.0.1',
        servername: 'localhost',
        port,
        path,
        ca: cert,
        agent: false,
        ...question,
        headers: fields,
      })
      asked.end(body)
      // The 'response' event carries one IncomingMessage.
      const [response] = (await once(asked, 'response')) as [IncomingMessage]
      return readReply(response)
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await emulator.close()
      await directory[Symbol.asyncDispose]()
    },
  }
}

describe('simple-salesforce', () => {
  // login.py, login with a security token; SOAPAction without quotes, `charset` as a field of its own.
  const login = (password: string) => `<?xml version="1.0" encoding="utf-8" ?>
<env:Envelope
        xmlns:xsd="http://www.w3.org/2001/XMLSchema"
        xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
        xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"
        xmlns:urn="urn:partner.soap.sforce.com">
    <env:Header>
        <urn:CallOptions>
            <urn:client>simple-salesforce</urn:client>
            <urn:defaultNamespace>sf</urn:defaultNamespace>
        </urn:CallOptions>
    </env:Header>
    <env:Body>
        <n1:login xmlns:n1="urn:partner.soap.sforce.com">
            <n1:username>any@body.example</n1:username>
            <n1:password>${password}</n1:password>
        </n1:login>
    </env:Body>
</env:Envelope>`
  const headers = { 'content-type': 'text/xml', charset: 'UTF-8', soapaction: 'login' }

  test('its SOAP login, and what it makes of the answer', async () => {
    await using proxy = await startSecure()
    const reply = await proxy.ask('/services/Soap/u/59.0', { method: 'POST', headers, body: login('any&lt;token') })
    expect(reply.status).toBe(200)
    // util.getUniqueElementValueFromXmlString takes the first element of the name; the instance is the serverUrl without scheme and path.
    const instance = (scraped(reply.text, 'serverUrl') ?? '')
      .replace(/^https?:\/\//, '')
      .split('/')[0]
      ?.replace('-api', '')
    expect(`https://${String(instance)}`).toBe(proxy.url)
    const session = scraped(reply.text, 'sessionId') ?? ''
    // api.py: base_url is https://{instance}/services/data/v59.0/; the header of every call.
    const bearer = { authorization: `Bearer ${session}`, 'content-type': 'application/json', 'x-prettyprint': '1' }
    const query = await proxy.ask('/services/data/v59.0/query/?q=SELECT+Id+FROM+CA10__CaAwsInstance__c', {
      headers: bearer,
    })
    expect(query.json()).toMatchObject({ totalSize: 20 })
    // bulk.py sends its session as X-SFDC-Session, and as JSON.
    const job = await proxy.ask('/services/async/59.0/job', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-sfdc-session': session, 'x-prettyprint': '1' },
      body: '{"operation":"query","object":"CA10__CaAwsInstance__c","contentType":"JSON"}',
    })
    expect(job.json()).toMatchObject({ state: 'Open', object: 'CA10__CaAwsInstance__c' })
  })

  test('a refused login has the elements that its error is made of', async () => {
    await using proxy = await startSecure({ PROXY_API_KEY: 'etl:key-of-the-etl' })
    const reply = await proxy.ask('/services/Soap/u/59.0', { method: 'POST', headers, body: login('anytoken') })
    expect(reply.status).not.toBe(200)
    expect(scraped(reply.text, 'sf:exceptionCode')).toBe('INVALID_LOGIN')
    expect(scraped(reply.text, 'sf:exceptionMessage')).toContain('PROXY_API_KEY')
    // Password and security token are one text in its envelope.
    const good = await proxy.ask('/services/Soap/u/59.0', { method: 'POST', headers, body: login('anykey-of-the-etl') })
    expect(good.status).toBe(200)
  })

  test('its token requests: password with a form, client credentials with Basic', async () => {
    await using proxy = await startSecure()
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const password = await proxy.ask('/services/oauth2/token', {
      method: 'POST',
      headers: form,
      body: 'grant_type=password&client_id=x&client_secret=y&username=a%40b&password=any',
    })
    const basic = { ...form, authorization: `Basic ${Buffer.from('key:secret').toString('base64')}` }
    const client = await proxy.ask('/services/oauth2/token', {
      method: 'POST',
      headers: basic,
      body: 'grant_type=client_credentials',
    })
    for (const reply of [password, client]) expect(reply.json()).toMatchObject({ instance_url: proxy.url })
  })
})

describe('Data Loader', () => {
  // WSC writes its envelope in one line, compresses it, and does not say how long it is.
  const wsc = (header: string, body: string) =>
    gzipSync(
      `<?xml version="1.0" encoding="UTF-8"?><env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><env:Header>${header}<CallOptions xmlns="urn:partner.soap.sforce.com"><client>DataLoaderPartnerUI/64.0.0</client></CallOptions></env:Header><env:Body>${body}</env:Body></env:Envelope>`,
    )
  const headers = {
    'user-agent': 'SFDC-WSC/64.0.0',
    'content-type': 'text/xml; charset=UTF-8',
    accept: 'text/xml',
    soapaction: '""',
    'content-encoding': 'gzip',
    'accept-encoding': 'gzip',
    'transfer-encoding': 'chunked',
  }
  const partner = (name: string, content: string) =>
    `<m:${name} xmlns:m="urn:partner.soap.sforce.com">${content}</m:${name}>`
  const session = (id: string) =>
    `<SessionHeader xmlns="urn:partner.soap.sforce.com"><sessionId>${id}</sessionId></SessionHeader>`
  const textOf = (reply: Reply) =>
    reply.headers['content-encoding'] === 'gzip' ? gunzipSync(reply.body).toString() : reply.text

  test('its login: a doubled slash, a final one, and the whole LoginResult', async () => {
    await using proxy = await startSecure()
    const login = partner('login', '<m:username>any</m:username><m:password>any</m:password>')
    const reply = await proxy.ask('//services/Soap/u/64.0/', { method: 'POST', headers, body: wsc('', login) })
    expect(reply.status).toBe(200)
    // LoginResult and GetUserInfoResult of the partner WSDL, in the order in which a typed client reads them.
    const names = Array.from(reply.text.matchAll(/<(\w+)(?: xsi:nil="true"\/)?>/g), ([, name]) => name)
    expect(names).toEqual([
      ...[
        'loginResponse',
        'result',
        'metadataServerUrl',
        'passwordExpired',
        'sandbox',
        'serverUrl',
        'sessionId',
        'userId',
        'userInfo',
      ],
      ...[
        'accessibilityMode',
        'chatterExternal',
        'currencySymbol',
        'orgAttachmentFileSizeLimit',
        'orgDefaultCurrencyIsoCode',
      ],
      ...['orgDefaultCurrencyLocale', 'orgDisallowHtmlAttachments', 'orgHasPersonAccounts', 'organizationId'],
      ...['organizationMultiCurrency', 'organizationName', 'profileId', 'roleId', 'sessionSecondsValid'],
      ...[
        'userDefaultCurrencyIsoCode',
        'userEmail',
        'userFullName',
        'userId',
        'userLanguage',
        'userLocale',
        'userName',
      ],
      ...['userTimeZone', 'userType', 'userUiSkin'],
    ])
    expect(scraped(reply.text, 'serverUrl')).toMatch(new RegExp(`^${proxy.url}/services/Soap/u/64\\.0/00D`))
  })

  test('what it does then: user, describe, query and its next pages, by SOAP and by Bulk', async () => {
    await using proxy = await startSecure({ PROXY_API_KEY: 'loader:key-of-the-loader' })
    const login = partner('login', '<m:username>any</m:username><m:password>key-of-the-loader</m:password>')
    const granted = await proxy.ask('//services/Soap/u/64.0/', { method: 'POST', headers, body: wsc('', login) })
    const [id, serverUrl] = [scraped(granted.text, 'sessionId') ?? '', scraped(granted.text, 'serverUrl') ?? '']
    const { pathname } = new URL(serverUrl)
    const call = async (name: string, content = '') => {
      const reply = await proxy.ask(pathname, {
        method: 'POST',
        headers,
        body: wsc(session(id), partner(name, content)),
      })
      expect([name, reply.status]).toEqual([name, 200])
      return textOf(reply)
    }
    expect(scraped(await call('getUserInfo'), 'userId')).toBe(proxy.org.userId)
    expect(await call('describeGlobal')).toContain('CA10__CaAwsInstance__c')
    expect(await call('describeSObject', '<m:sObjectType>CA10__CaAwsInstance__c</m:sObjectType>')).toContain(
      'CA10__cpuCount__c',
    )
    expect(
      scraped(await call('query', '<m:queryString>SELECT Id FROM CA10__CaAwsInstance__c</m:queryString>'), 'size'),
    ).toBe('20')
    // RestConnection: Bulk 1.0 in XML, the session in its own field.
    const job = await proxy.ask('/services/async/64.0/job', {
      method: 'POST',
      headers: { 'x-sfdc-session': id, 'content-type': 'application/xml', 'accept-encoding': 'gzip' },
      body: '<?xml version="1.0" encoding="UTF-8"?><jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload"><operation>insert</operation><object>CA10__CaAwsInstance__c</object><contentType>CSV</contentType></jobInfo>',
    })
    expect([job.status, scraped(textOf(job), 'state')]).toEqual([201, 'Open'])
    expect(proxy.requests.map(({ body }) => body).join()).not.toContain('key-of-the-loader')
  })
})

test('ForceCLI: the misspelt SOAPAction, both session headers, the org from the session', async () => {
  await using proxy = await startSecure()
  const body =
    '<?xml version="1.0" encoding="utf-8" ?><env:Envelope xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body><n1:login xmlns:n1="urn:partner.soap.sforce.com"><n1:username>u</n1:username><n1:password>p</n1:password></n1:login></env:Body></env:Envelope>'
  const headers = { 'content-type': 'text/xml', soapaction: 'login' }
  const login = await proxy.ask('/services/Soap/u/62.0', { method: 'POST', headers, body })
  const session = scraped(login.text, 'sessionId') ?? ''
  expect(session.split('!')[0]).toBe(proxy.org.orgId.slice(0, 15))
  const both = { authorization: `Bearer ${session}`, 'x-sfdc-session': session }
  const userinfo = await proxy.ask('/services/oauth2/userinfo', { headers: both })
  expect(userinfo.json()).toMatchObject({ user_id: proxy.org.userId })
  expect((await proxy.ask(`/services/data/v62.0/sobjects/User/${proxy.org.userId}`, { headers: both })).status).toBe(
    200,
  )
})
