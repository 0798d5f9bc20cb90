import { expect, test } from 'vitest'
import { noProxyRule } from '../../src/upstream/no-proxy.ts'

const HOST = 'acme.my.salesforce.com'

test.each([
  ['*', HOST],
  ['salesforce.com', HOST],
  ['.salesforce.com', HOST],
  ['*.salesforce.com', HOST],
  ['ACME.my.SALESFORCE.com.', HOST],
  [HOST, `${HOST}.`],
  [HOST, HOST.toUpperCase()],
  ['other.example, acme.my.salesforce.com', HOST],
  ['other.example acme.my.salesforce.com:443', HOST],
  ['.acme.my.salesforce.com', HOST],
  ['10.1.2.3', '10.1.2.3'],
  ['10.0.0.0/8', '10.1.2.3'],
  ['fd00::/8', '[fd00::1]'],
  ['[fd00::1]', '[fd00::1]'],
  ['fd00::1', 'fd00::1'],
  ['[fd00::1]:443', '[fd00::1]'],
])('NO_PROXY=%s reaches %s directly', (noProxy, host) => {
  expect(noProxyRule(noProxy)(host, 443)).toBe(true)
})

test.each([
  ['', HOST],
  ['example.com', HOST],
  ['force.com', HOST],
  ['acme.my.salesforce.com:8443', HOST],
  ['*:80', HOST],
  ['*.acme.my.salesforce.com', HOST],
  ['my', HOST],
  ['10.0.0.0/8', HOST],
  ['10.0.0.0/8', '11.1.2.3'],
  ['10.0.0.0/99', '10.1.2.3'],
  ['nonsense/8', '10.1.2.3'],
  ['2.3', '10.1.2.3'],
  ['[fd00::1]:80', '[fd00::1]'],
  ['[', HOST],
  [',, ,', HOST],
])('NO_PROXY=%j leaves %s to the proxy', (noProxy, host) => {
  expect(noProxyRule(noProxy)(host, 443)).toBe(false)
})

test.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.8.8.8', '::1', '[::1]'])('%s is always direct', (host) => {
  expect(noProxyRule('')(host, 443)).toBe(true)
})
