import { expect, test } from 'vitest'
import { seal, sealingKey, unseal, type SharedToken } from '../../src/token-store/sealed-token.ts'

const CONTEXT = ['https://acme.my.salesforce.com', 'client']
const KEY = sealingKey('secret', CONTEXT)
const TOKEN: SharedToken = {
  answer: {
    value: '00D000000000001!token',
    format: 'opaque',
    instanceUrl: 'https://acme.my.salesforce.com',
    refusedInstanceUrl: undefined,
    identityUrl: undefined,
    statedLife: { ms: 60_000, source: 'expires_in' },
  },
  generation: 3,
  obtainedAt: 1_700_000_000_000,
}

test('what one replica seals another one with the same secret opens', () => {
  const sealed = seal(TOKEN, KEY)
  expect(sealed).not.toContain(Buffer.from(TOKEN.answer.value).toString('base64').slice(0, 12))
  expect(unseal(sealed, sealingKey('secret', CONTEXT))).toEqual(TOKEN)
  expect(seal(TOKEN, KEY)).not.toBe(sealed)
})

test('another secret, another org or another name opens nothing, and finds nothing', () => {
  const sealed = seal(TOKEN, KEY)
  const others = [
    sealingKey('other', CONTEXT),
    sealingKey('secret', [...CONTEXT, 'x']),
    sealingKey('secret', ['https://acme.my.salesforce.comclient']),
  ]
  for (const other of others) {
    expect(unseal(sealed, other)).toBeUndefined()
    expect(other.name).not.toBe(KEY.name)
  }
  expect(unseal(sealed, { ...KEY, name: 'elsewhere' })).toBeUndefined()
})

test('a single changed bit, a shortened entry and garbage are refused', () => {
  const bytes = Buffer.from(seal(TOKEN, KEY), 'base64')
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes)
    changed.writeUInt8(bytes.readUInt8(at) ^ 1, at)
    expect(unseal(changed.toString('base64'), KEY)).toBeUndefined()
    expect(unseal(bytes.subarray(0, at).toString('base64'), KEY)).toBeUndefined()
  }
  for (const garbage of ['', 'garbage', '{"value":"x"}', '\0'.repeat(100)]) expect(unseal(garbage, KEY)).toBeUndefined()
})
