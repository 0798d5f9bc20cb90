import { describe, expect, test } from 'vitest'
import { lastHead, startAttacked } from '../../support/attacked.ts'
import { statuses } from '../../support/raw-bytes.ts'

/* A rebound page sends no Origin and looks like any program, but for its Host: the name of the attacker. */

const GET = 'GET /services/data/v62.0/limits HTTP/1.1'

describe('a Host that is not this machine', () => {
  test.each([
    ['the attacker', ['Host: evil.example']],
    ['with our port', ['Host: evil.example:8080']],
    ['ours in front', ['Host: localhost.evil.example:8080']],
    ['our address in front', ['Host: 127.0.0.1.evil.example']],
    ['ours behind', ['Host: evil.localhost']],
    ['ours behind a hyphen', ['Host: evil-localhost']],
    ['all interfaces', ['Host: 0.0.0.0:8080']],
    ['all interfaces, IPv6', ['Host: [::]:8080']],
    ['an address of the network', ['Host: 192.168.1.5:8080']],
    ['a mapped address of the network', ['Host: [::ffff:10.0.0.1]']],
    ['our address as one number', ['Host: 2130706433']],
    ['our address in hexadecimal', ['Host: 0x7f.0.0.1']],
    ['our address in octal', ['Host: 0177.0.0.1']],
    ['our address, short', ['Host: 127.1']],
    ['the root dot', ['Host: localhost.']],
    ['credentials', ['Host: localhost@evil.example']],
    ['credentials, ours as the user', ['Host: localhost:8080@evil.example']],
    ['a path', ['Host: localhost/evil.example']],
    ['a list', ['Host: localhost, evil.example']],
    ['none', ['Host:']],
    ['blanks', ['Host:   ']],
    ['two ports', ['Host: localhost:80:8080']],
    ['no port after the colon', ['Host: localhost:']],
    ['twice', ['Host: localhost', 'Host: evil.example']],
    ['twice, ours last', ['Host: evil.example', 'Host: localhost']],
    ['twice the same', ['Host: localhost', 'Host: localhost']],
    ['twice, in other letters', ['Host: localhost', 'hOST: evil.example']],
    ['ours in the field that proxies write', ['Host: evil.example', 'X-Forwarded-Host: localhost']],
    ['ours as Forwarded', ['Host: evil.example', 'Forwarded: host=localhost']],
  ])('%s: 403, and no call', async (_what, fields) => {
    await using place = await startAttacked()
    const answer = await place.attack(lastHead(GET, ...fields))
    expect(statuses(answer)).toEqual([403])
    expect(answer).toContain('PROXY_HOST_REFUSED')
    await place.expectNothing()
  })

  test.each([
    ['missing in HTTP/1.0', 'GET /services/data/v62.0/limits HTTP/1.0\r\n\r\n', 403],
    ['missing in HTTP/1.1', 'GET /services/data/v62.0/limits HTTP/1.1\r\n\r\n', 400],
    ['in an absolute target', lastHead('GET http://evil.example/services/data HTTP/1.1'), 400],
    ['in an absolute target, ours in Host', lastHead('GET http://evil.example/ HTTP/1.1', 'Host: localhost'), 400],
    ['ours in an absolute target', lastHead('GET http://localhost/services/data HTTP/1.1', 'Host: evil.example'), 403],
    ['in the path of a doubled slash', lastHead('GET //evil.example/services/data HTTP/1.1'), 403],
    ['with NUL', lastHead(GET, 'Host: localhost\u0000.evil.example'), 400],
    ['folded', lastHead(GET, 'Host:\r\n evil.example'), 400],
    ['space before the colon', lastHead(GET, 'Host : evil.example'), 400],
  ])('%s: refused, and no call', async (_what, bytes, status) => {
    await using place = await startAttacked()
    expect(statuses(await place.attack(bytes))).toEqual([status])
    await place.expectNothing()
  })

  test('a listed suffix is a suffix of labels, and opens nothing beside', async () => {
    await using place = await startAttacked({ PROXY_ALLOWED_HOSTS: '*.corp.example,tool.example' })
    for (const host of ['evilcorp.example', 'corp.example', 'corp.example.evil', 'a.tool.example', 'tool.example.']) {
      expect(statuses(await place.attack(lastHead(GET, `Host: ${host}`)))).toEqual([403])
    }
    await place.expectNothing()
    for (const host of ['a.corp.example', 'A.B.Corp.Example:1', 'tool.example']) {
      expect(statuses(await place.attack(lastHead(GET, `Host: ${host}`)))).toEqual([200])
      await place.expectOne()
    }
  })
})
