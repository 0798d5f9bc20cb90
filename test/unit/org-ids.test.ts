import { expect, test } from 'vitest'
import { idsOf } from '../../src/server/login/org-ids.ts'

const NOBODY = { orgId: '00D000000000000EAA', userId: '005000000000000AAA' }

test.each([
  [
    'the identity URL',
    { value: 'x', identityUrl: 'https://login.salesforce.com/id/00D5f000000W7EoEAK/0055f0000000001AAA' },
    { orgId: '00D5f000000W7EoEAK', userId: '0055f0000000001AAA' },
  ],
  [
    'an identity URL with short ids',
    { value: 'x', identityUrl: 'https://login.salesforce.com/id/00D5f000000W7Eo/0055f0000000001/' },
    { orgId: '00D5f000000W7EoEAK', userId: '0055f0000000001AAA' },
  ],
  [
    'the token alone',
    { value: '00D5f000000W7Eo!AQ', identityUrl: undefined },
    { ...NOBODY, orgId: '00D5f000000W7EoEAK' },
  ],
  ['neither', { value: 'eyJhbGci.e30.x', identityUrl: 'https://login.salesforce.com/id/keys' }, NOBODY],
])('the ids of the org and its user from %s', (_what, token, ids) => {
  expect(idsOf(token)).toEqual(ids)
})

test('nothing is known before there is a token', () => {
  expect(idsOf(undefined)).toEqual(NOBODY)
})
