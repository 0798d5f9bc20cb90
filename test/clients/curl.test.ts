import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { startDemoOrg } from '../support/demo-org.ts'
import { startOriginServer } from '../support/origin-server.ts'
import { startStack } from '../support/stack.ts'

const run = promisify(execFile)

async function curl(...args: string[]): Promise<string> {
  // Nothing of the user's own: no ~/.curlrc, no proxy from the environment.
  const { stdout } = await run('curl', ['--disable', '--silent', '--show-error', '--noproxy', '*', ...args], {
    maxBuffer: 50_000_000,
  })
  return stdout
}

test('asks without a credential and gets the API’s answer', async () => {
  await using demo = await startDemoOrg({ records: 50 })
  const url = demo.app.url.replace('127.0.0.1', 'localhost')
  const versions = JSON.parse(await curl(`${url}/services/data`)) as unknown
  expect(versions).toContainEqual(expect.objectContaining({ version: '62.0' }))
  const soql = 'SELECT Name FROM CA10__CaAwsInstance__c LIMIT 2'
  const answer = await curl('--get', '--data-urlencode', `q=${soql}`, `${url}/services/data/v62.0/query`)
  expect(JSON.parse(answer)).toMatchObject({ totalSize: 2, done: true })
})

test('shows status, limits and a compressed answer as the API sent them', async () => {
  await using demo = await startDemoOrg({ records: 50 })
  const answer = await curl('--include', '--compressed', `${demo.app.url}/services/data/v62.0/limits`)
  expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n/)
  expect(answer).toMatch(/^sforce-limit-info: api-usage=\d+\/\d+\r$/im)
  expect(answer).toMatch(/^content-encoding: gzip\r$/im)
  expect(answer).toMatch(/^via: 1.1 cloudaware-proxy\r$/im)
  expect(answer).not.toMatch(/^(set-cookie|strict-transport-security):/im)
  expect(answer).toContain('DailyApiRequests')
})

test('posts, patches and deletes', async () => {
  await using demo = await startDemoOrg({ records: 5 })
  const records = `${demo.app.url}/services/data/v62.0/sobjects/CA10__CaAwsInstance__c`
  const json = ['--header', 'Content-Type: application/json']
  const created = JSON.parse(await curl(...json, '--data', '{"Name":"by-curl"}', `${records}/`)) as { id: string }
  const changed = await curl(
    '--request',
    'PATCH',
    ...json,
    '--data',
    '{"Name":"by-curl-2"}',
    '--write-out',
    '%{http_code}',
    `${records}/${created.id}`,
  )
  expect(changed).toBe('204')
  expect(JSON.parse(await curl(`${records}/${created.id}`))).toMatchObject({ Name: 'by-curl-2' })
  expect(await curl('--request', 'DELETE', '--write-out', '%{http_code}', `${records}/${created.id}`)).toBe('204')
  expect(await curl('--head', `${records}/${created.id}`)).toMatch(/^HTTP\/1.1 404/)
})

test('uploads a large file with Expect: 100-continue, and gets it back whole', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cloudaware-proxy-'))
  const [sent, received] = [join(directory, 'sent'), join(directory, 'received')]
  await writeFile(sent, randomBytes(5_000_000))
  await using origin = await startOriginServer((request, response) => {
    if (request.url === '/services/oauth2/token') {
      response.setHeader('content-type', 'application/json')
      response.end('{"access_token":"00D000000000001!x","token_type":"Bearer"}')
    } else {
      request.pipe(response)
    }
  })
  await using app = await startStack(origin)
  const trace = await curl(
    '--verbose',
    '--stderr',
    '-',
    '--header',
    'Expect: 100-continue',
    '--upload-file',
    sent,
    '--output',
    received,
    `${app.url}/services/data/v62.0/x`,
  )
  expect(trace).toMatch(/< HTTP\/1.1 100 Continue/)
  expect((await readFile(received)).equals(await readFile(sent))).toBe(true)
  await rm(directory, { recursive: true })
})

test('the error of a wrong setup tells what to mend', async () => {
  await using demo = await startDemoOrg({ records: 5 }, { env: { CLOUDAWARE_CLIENT_SECRET: 'wrong-secret' } })
  const answer = await curl('--include', `${demo.app.url}/services/data/v62.0/limits`)
  expect(answer).toMatch(/^HTTP\/1.1 503 /)
  expect(answer).toMatch(/^proxy-status: cloudaware-proxy; error=/im)
  expect(answer).toContain('PROXY_TOKEN_UNAVAILABLE')
  expect(answer).toContain('Consumer Secret')
  expect(answer).not.toContain('wrong-secret')
})
