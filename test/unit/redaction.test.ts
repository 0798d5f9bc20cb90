import { expect, test } from 'vitest'
import { createRedactor, REDACTED } from '../../src/redaction.ts'

const redact = createRedactor(() => [])

// Each stands alone in its line: a quick look for suspicious words must not overlook any kind of credential.
test.each([
  ['"Authorization":"xyz-0123456789"'],
  ['"proxy-authorization":["xyz-0123456789"]'],
  ['"x-sfdc-session":"xyz-0123456789"'],
  ['"Cookie":"xyz-0123456789"'],
  ['"set-cookie":["xyz-0123456789"]'],
  ['"X-Api-Key":"xyz-0123456789"'],
  ['"access_token":"xyz-0123456789"'],
  ['"id_token":"xyz-0123456789"'],
  ['"client_assertion":"xyz-0123456789"'],
  ['"client_secret":"xyz-0123456789"'],
  ['"CLOUDAWARE_CLIENT_SECRET":"xyz-0123456789"'],
  ['"PROXY_API_KEY":"xyz-0123456789"'],
  ['"password":"xyz-0123456789"'],
  ['"body":"{\\"oauth_token\\":\\"xyz-0123456789\\"}"'],
  ['?sid=xyz-0123456789'],
  ['refresh_token=xyz-0123456789'],
  ['assertion=xyz-0123456789'],
  ['00D000000000001!xyz.0123456789'],
  ['00D000000000001%21xyz.0123456789'],
  ['eyJxyz.0123456789.abc'],
  ['3MVGxyz0123456789abcdefgh'],
  ['bearer xyz-0123456789'],
  ['OAuth xyz-0123456789'],
  ['Basic xyz-0123456789'],
  ['-----BEGIN RSA PRIVATE KEY-----xyz0123456789-----END RSA PRIVATE KEY-----'],
])('a credential that stands alone is blanked: %s', (line) => {
  const safe = redact(`{${line}}`)
  expect(safe).toContain(REDACTED)
  expect(safe).not.toContain('0123456789')
})

test('a line without any is passed on as it is', () => {
  const line =
    '{"level":30,"reqId":"a","method":"GET","path":"/services/data/v67.0/limits","status":200,"msg":"request"}'
  expect(redact(line)).toBe(line)
})
