import { expect, test } from 'vitest'
import { effectiveMethods } from '../../src/server/effective-method.ts'

test.each([
  ['?_HttpMethod=PATCH', {}, ['POST', 'PATCH']],
  ['?a=1&_httpmethod=delete', {}, ['POST', 'DELETE']],
  ['?%5fHttp%4dethod=PATCH', {}, ['POST', 'PATCH']],
  ['?_HttpMethod=GET&_HttpMethod=PUT', {}, ['POST', 'GET', 'PUT']],
  ['', { 'x-http-method-override': 'patch' }, ['POST', 'PATCH']],
  ['', { x_http_method_override: 'DELETE' }, ['POST', 'DELETE']],
  ['?q=x%20y', { 'x-method-override': ['PUT', 'GET'] }, ['POST', 'PUT', 'GET']],
  ['?q=HttpMethod', {}, ['POST']],
  ['', {}, ['POST']],
])('a POST with %s and %j could be taken for %j', (search, headers, methods) => {
  expect(effectiveMethods('POST', search, headers)).toEqual(methods)
})
