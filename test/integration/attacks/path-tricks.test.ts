import { describe, expect, test } from 'vitest'
import { lastHead, startAttacked, TOKEN } from '../../support/attacked.ts'
import { statuses } from '../../support/raw-bytes.ts'

/* The policy and the org must see the same path: what could be read in two ways is refused, what is refused has one spelling only. */

const V = '/services/data/v62.0'
const FRONTDOOR = 'secur/frontdoor.jsp'

describe('a target that could be read in two ways: 400, and no call', () => {
  test.each([
    ...[
      `${V}/../../../${FRONTDOOR}`,
      `${V}/./limits`,
      `/services/data/..`,
      `/services/data/v62.0/..;/..;/x`,
      '/./services/data',
    ],
    ...[`${V}/%2e%2e/%2e%2e/%2e%2e/${FRONTDOOR}`, `${V}/.%2e/x`, `${V}/%2E%2e/x`, `${V}/%2e/limits`, `${V}/..%3bx/y`],
    ...[
      `${V}/%252e%252e/x`,
      `${V}/%25%32%65/x`,
      `${V}/%2525%32%65/x`,
      `${V}/%2%35%32e/x`,
      `${V}/%EF%BC%852e%EF%BC%852e/x`,
      `${V}/%%32%65%%32%65/x`,
      `${V}/%252fsecur`,
      `/%2573ecur/frontdoor.jsp`,
    ],
    ...[
      `${V}%2flimits`,
      `/secur%2ffrontdoor.jsp`,
      `${V}/x%2F..%2F..%2Fsecur`,
      `${V}%5climits`,
      `/services%5C..%5C${FRONTDOOR}`,
    ],
    ...[`${V}\\limits`, `/services\\data`, `/services/data\\..\\..\\${FRONTDOOR}`],
    ...[
      `${V}/%00`,
      `${V}/limits%00.json`,
      `${V}/%0d%0aX-Injected:%20x`,
      `${V}/%0a`,
      `${V}/%09`,
      `${V}/%1f`,
      `${V}/%7f`,
      `${V}/%c2%85`,
    ],
    ...[`${V}/%`, `${V}/%2`, `${V}/%zz`, `${V}/%u002e`, `${V}/%g0`, `${V}/%-1`],
    ...[`${V}/%c0%ae%c0%ae/x`, `${V}/%e0%80%af/x`, `${V}/%c0%2f`, `${V}/%ff`, `${V}/%ed%a0%80`],
    ...[`${V}/%ef%bc%8f..`, `${V}/%ef%bc%8e%ef%bc%8e/x`, `${V}/%e2%80%a5/x`, `${V}/%ef%bc%bcx`],
    ...[
      `${V}/\u00e4`,
      `${V}/x#/../y`,
      `${V}/#`,
      `${V}/a\tb`,
      `${V}/a\u0001b`,
      `${V}/a\u007fb`,
      `${V}/a b`,
      `${V}/limits?q=a b`,
    ],
    ...[
      'http://evil.example/services/data',
      'https://localhost/services/data',
      'HTTP://localhost/',
      'ftp://localhost/',
    ],
    ...['*', 'services/data', '?q', ';/services/data', 'localhost:80', '@evil.example/', '', '\\services\\data'],
  ])('%j', async (target) => {
    await using place = await startAttacked()
    expect(statuses(await place.attack(lastHead(`GET ${target} HTTP/1.1`)))).toEqual([400])
    await place.expectNothing()
  })
})

describe('another spelling of what is refused is refused: 403, and no call', () => {
  test.each([
    ...[
      `/${FRONTDOOR}`,
      `//${FRONTDOOR}`,
      `///secur////frontdoor.jsp`,
      `/SECUR/FrontDoor.JSP`,
      `/secur/frontdoor.jsp/`,
    ],
    ...[
      '/%73ecur/frontdoor.jsp',
      '/secur/%66rontdoor%2ejsp',
      '/secur;x=1/frontdoor.jsp',
      '/secur/frontdoor.jsp;jsessionid=1',
    ],
    ...[
      '/secur/frontdoor.jsp?sid=1',
      '/secur/frontdoor.jsp/services/data',
      '/%EF%BD%93ecur/frontdoor.jsp',
      '/%C5%BFecur/x',
    ],
    ...[
      '/services/oauth2/singleaccess',
      '/services/oauth2/SingleAccess/',
      '/services//oauth2//singleaccess',
      '/Services/OAuth2/x',
    ],
    ...['/services/oauth2;a/singleaccess', '/services/oauth2/%73ingleaccess', '/services/oauth2/userinfo/token'],
    ...[
      `${V}/tooling/executeAnonymous`,
      `${V}/tooling/EXECUTEANONYMOUS/?anonymousBody=x`,
      `${V}//tooling//executeAnonymous`,
    ],
    ...[
      `${V}/tooling;/executeAnonymous`,
      `${V}/tooling/execute%41nonymous`,
      `${V}/tooling/executeAnonymous.json`,
      `${V}/tooling/executeAnonymous%20`,
    ],
    ...[
      `${V}/tooling/executeAnonymous.xml?x`,
      `/services/data/v99.9/tooling/executeAnonymous`,
      `/SERVICES/DATA/v1/TOOLING/executeanonymous/a/b`,
    ],
    ...[`${V}/tool%C4%B1ng/executeAnonymous`, `${V}/sobjects/User/005/password`, `${V}/sobjects/user/005/Password/`],
    ...[
      `${V}/sobjects/User/Alias/x/password`,
      `${V}/sobjects/SelfServiceUser/035/password`,
      `${V}/SObjects/User/005/p%61ssword`,
    ],
    ...[
      '/',
      '//',
      '/services',
      '/services/',
      '/services/dataX',
      '/services/data.evil',
      '/servicesdata',
      '/services/auth/sso',
    ],
    ...[
      '/lightning/page/home',
      '/setup/home',
      '/aura',
      '/apex/x',
      '/visualforce/session',
      '/_ui/x',
      '/.well-known/x',
      '/home/home.jsp',
    ],
    ...[
      '/services/proxy',
      '/services/wsdl/class/x',
      '/services/Soap/x/62.0',
      '/services/Soap/',
      '/services/Soapu',
      '/idp/login',
      '/ids',
    ],
  ])('%s', async (target) => {
    await using place = await startAttacked()
    const answer = await place.attack(lastHead(`GET ${target} HTTP/1.1`))
    expect([statuses(answer), answer]).toEqual([[403], expect.stringContaining('PROXY_PATH_REFUSED')])
    await place.expectNothing()
  })
})

describe('what passes arrives as the policy read it', () => {
  test.each([
    ['//services/data//v62.0///limits', `${V}/limits`],
    ['/services/data/v62.0/', `${V}/`],
    ['/Services/Data/v62.0/limits', '/Services/Data/v62.0/limits'],
    [`${V}/sobjects/Account/Ext__c/a%20b%26c`, `${V}/sobjects/Account/Ext__c/a%20b%26c`],
    [`${V}/sobjects/Account/Ext__c/%C3%A4`, `${V}/sobjects/Account/Ext__c/%C3%A4`],
    [`${V}/limits;v=1`, `${V}/limits;v=1`],
    [`${V}/query?q=//a/../b/%2e%2e/%zz/%00%0d%0a\\?x`, `${V}/query?q=//a/../b/%2e%2e/%zz/%00%0d%0a\\?x`],
    [`${V}/query?`, `${V}/query?`],
    ['/id/00D000000000001AAA/005000000000001AAA', '/id/00D000000000001AAA/005000000000001AAA'],
  ])('%s', async (target, arriving) => {
    await using place = await startAttacked({ PROXY_REWRITE_BODIES: 'off' })
    expect(statuses(await place.attack(lastHead(`GET ${target} HTTP/1.1`)))).toEqual([200])
    expect((await place.expectOne()).target).toBe(arriving)
  })
})

test('settings extend both lists; what is denied wins, and a built-in leak is lifted only by its exact name', async () => {
  await using place = await startAttacked({
    PROXY_ALLOWED_PATHS: '/services/custom,/secur,/services/data/*/tooling/executeanonymous/**',
    PROXY_DENIED_PATHS: '/services/custom/private,/services/data/*/jobs/**',
  })
  for (const target of ['/services/custom/x', `${V}/tooling/executeAnonymous/?anonymousBody=x`, '/secur/other.jsp']) {
    expect(statuses(await place.attack(lastHead(`GET ${target} HTTP/1.1`)))).toEqual([200])
    await place.expectOne()
  }
  for (const target of [
    ...['/services/custom/private', '/services/custom/PRIVATE/x', '/services/custom/%70rivate', '/services/customs'],
    ...[`${V}/jobs/query`, '/secur/frontdoor.jsp', '/secur/logout.jsp'],
  ]) {
    expect(statuses(await place.attack(lastHead(`GET ${target} HTTP/1.1`)))).toEqual([403])
  }
  await place.expectNothing()
})

describe('a SOAP or Bulk 1.0 path that is spelt oddly is the same path to the policy and to what carries the session', () => {
  const ENVELOPE =
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header><SessionHeader xmlns="urn:partner.soap.sforce.com"><sessionId>the-callers-own</sessionId></SessionHeader></e:Header><e:Body><getUserInfo xmlns="urn:partner.soap.sforce.com"/></e:Body></e:Envelope>'

  test.each([
    '/services/%53oap/u/62.0',
    '/services/Soap;x=1/u/62.0',
    '/services/so%61p/u/62.0',
    '/%73ervices/Soap/u/62.0',
  ])('%s', async (path) => {
    await using attacked = await startAttacked()
    const length = `Content-Length: ${ENVELOPE.length}`
    await attacked.attack(lastHead(`POST ${path} HTTP/1.1`, 'Content-Type: text/xml', length) + ENVELOPE)
    for (const { body } of attacked.reached()) {
      expect(String(await body)).toContain(`<sessionId>${TOKEN}</sessionId>`)
      expect(String(await body)).not.toContain('the-callers-own')
    }
    await attacked.expectNothing()
  })

  test.each(['/services/%61sync/62.0/job/750', '/services/async;x/62.0/job/750'])('%s', async (path) => {
    await using attacked = await startAttacked()
    await attacked.attack(lastHead(`GET ${path} HTTP/1.1`, 'X-SFDC-Session: the-callers-own'))
    for (const { headers } of attacked.reached()) expect(headers['x-sfdc-session']).toBe(TOKEN)
    await attacked.expectNothing()
  })
})
