import { expect, test } from 'vitest'
import { normalPath } from '../../src/server/normal-path.ts'

test.each([
  ['/services/data/v62.0/query?q=SELECT+Name+FROM+Account', '/services/data/v62.0/query'],
  ['//services//data/v62.0/limits', '/services/data/v62.0/limits'],
  ['/services/data/v62.0/sobjects/Account/0015g00000ABCDE', '/services/data/v62.0/sobjects/Account/{id}'],
  [
    '/services/data/v62.0/sobjects/Account/0015g00000ABCDEAA1/Owner',
    '/services/data/v62.0/sobjects/Account/{id}/Owner',
  ],
  ['/services/data/v62.0/sobjects/Account/0015g00000ABCDEAA1.json', '/services/data/v62.0/sobjects/Account/{id}.json'],
  ['/services/data/v62.0/query/01g5g00000ABCDEAA1-2000', '/services/data/v62.0/query/{id}'],
  ['/services/async/62.0/job/7505g00000ABCDEAA1/batch/7515g00000ABCDEAA1', '/services/async/62.0/job/{id}/batch/{id}'],
  ['/services/Soap/u/62.0/00D5g00000ABCDE', '/services/Soap/u/62.0/{id}'],
  [
    '/services/data/v62.0/sobjects/Contact/Email/jane@example.com',
    '/services/data/v62.0/sobjects/Contact/Email/{value}',
  ],
  ['/services/data/v62.0/sobjects/X__c/Key__c/a%2Fb', '/services/data/v62.0/sobjects/X__c/Key__c/{value}'],
  [
    '/services/data/v62.0/sobjects/Account/describe/layouts/0125g00000ABCDE',
    '/services/data/v62.0/sobjects/Account/describe/layouts/{id}',
  ],
  ['/services/data/v62.0/sobjects/CA10__CaAwsVolume__c/describe', undefined],
  ['/', undefined],
])('%s', (target, expected = target) => {
  expect(normalPath(target)).toBe(expected)
})

test('what is too long is cut', () => {
  expect(normalPath(`/${'a'.repeat(10_000)}`)).toBe(`/${'a'.repeat(199)}…`)
})
