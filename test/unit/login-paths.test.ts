import { expect, test } from 'vitest'
import { isLoginOperation, isSeparateLogin, loginEndpoint } from '../../src/server/login/login-paths.ts'

test.each([
  ['/services/oauth2/token', 'token', true],
  ['/services/oauth2/revoke', 'revoke', true],
  ['/partners/services/oauth2/token', 'token', true],
  ['/a/b/services/oauth2/revoke', 'revoke', true],
  ['/services/soap/u/64.0', 'soap', false],
  ['/services/soap/c/9.0/00d5f000000w7eo', 'soap', false],
  ['/partners/services/soap/u/64.0', 'soap', true],
])('%s is %s', (path, endpoint, separate) => {
  expect([loginEndpoint(path), isSeparateLogin(path)]).toEqual([endpoint, separate])
})

test.each([
  '/services/oauth2/tokens',
  '/services/oauth2/token/x',
  '/services/oauth2/userinfo',
  '/services/apexrest/services/oauth2/token',
  '/services/data/services/oauth2/token',
  '/services/soap/u',
  '/services/soap/m/64.0',
  '/services/soap/s/64.0',
  '/services/soap/u/64',
  '/xservices/oauth2/token',
  '/',
])('%s is none', (path) => {
  expect([loginEndpoint(path), isSeparateLogin(path)]).toEqual([undefined, false])
})

test('the operations that are answered here', () => {
  expect(['login', 'LOGOUT', 'invalidateSessions'].every(isLoginOperation)).toBe(true)
  expect(['loginx', 'query', 'getUserInfo', ''].some(isLoginOperation)).toBe(false)
})
