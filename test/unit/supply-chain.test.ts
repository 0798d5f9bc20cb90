import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { judgeAudit } from '../../scripts/audit-report.ts'
import { lockfileProblems, type Lockfile } from '../../scripts/lockfile-problems.ts'

const integrity = `sha512-${'A'.repeat(86)}==`
const of = (path: string, entry: object): Lockfile => ({
  lockfileVersion: 3,
  packages: { '': {}, [path]: { version: '1.2.3', integrity, ...entry } },
})

describe('the lock file', () => {
  test.each([
    ['node_modules/a', {}],
    ['node_modules/a', { resolved: 'https://registry.npmjs.org/a/-/a-1.2.3.tgz' }],
    ['node_modules/b/node_modules/@s/a', { resolved: 'https://registry.npmjs.org/@s/a/-/a-1.2.3.tgz' }],
    ['node_modules/alias', { name: 'a', resolved: 'https://registry.npmjs.org/a/-/a-1.2.3.tgz' }],
    ['node_modules/builder', { hasInstallScript: true }],
  ])('%s %j passes', (path, entry) => {
    expect(lockfileProblems(of(path, entry), ['builder'])).toEqual([])
  })

  test.each([
    ['node_modules/a', { integrity: undefined }],
    ['node_modules/a', { integrity: `sha1-${'A'.repeat(27)}=` }],
    ['node_modules/a', { resolved: 'https://registry.example/a/-/a-1.2.3.tgz' }],
    ['node_modules/a', { resolved: 'http://registry.npmjs.org/a/-/a-1.2.3.tgz' }],
    ['node_modules/a', { resolved: 'https://registry.npmjs.org/b/-/b-1.2.3.tgz' }],
    ['node_modules/a', { resolved: 'https://registry.npmjs.org/a/-/a-1.2.4.tgz' }],
    ['node_modules/a', { resolved: 'git+ssh://git@github.com/a/a.git#0123' }],
    ['node_modules/a', { link: true }],
    ['packages/a', {}],
    ['node_modules/a', { hasInstallScript: true }],
  ])('%s %j is a problem', (path, entry) => {
    expect(lockfileProblems(of(path, entry), ['builder'])).toEqual([expect.stringContaining(path)])
  })

  test.each([{}, { lockfileVersion: 1, dependencies: {} }, { lockfileVersion: 3, packages: { '': {} } }])(
    '%j is none',
    (lock) => {
      expect(lockfileProblems(lock, [])).toHaveLength(1)
    },
  )

  test('every dependency of package.json is one exact version', () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Record<
      'dependencies' | 'devDependencies',
      Record<string, string>
    >
    for (const version of Object.values({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect(version).toMatch(/^\d+\.\d+\.\d+(?:-[\w.]+)?$/)
    }
  })
})

describe('the audit', () => {
  test('without findings passes', () => {
    expect(judgeAudit('{"auditReportVersion":2,"vulnerabilities":{},"metadata":{}}')).toMatchObject({ exitCode: 0 })
  })

  test('with one fails, and says which', () => {
    const via = [{ title: 'Request smuggling', url: 'https://github.com/advisories/GHSA-x' }]
    const report = { auditReportVersion: 2, vulnerabilities: { undici: { severity: 'low', range: '<8', via } } }
    expect(judgeAudit(JSON.stringify(report))).toEqual({
      exitCode: 1,
      lines: ['undici <8: low: Request smuggling https://github.com/advisories/GHSA-x'],
    })
  })

  test.each([
    [
      '{"message":"405 Method Not Allowed","statusCode":405,"error":{"summary":"","detail":""}}',
      '405 Method Not Allowed',
    ],
    ['{"error":{"code":"ENOTFOUND","summary":"request to the registry failed"}}', 'request to the registry failed'],
    ['', 'no report'],
    ['<html>', 'no report'],
  ])('that cannot be had is said plainly: %s', (printed, reason) => {
    const { exitCode, lines } = judgeAudit(printed)
    expect([exitCode, lines.join()]).toEqual([0, expect.stringMatching(`audit endpoint unreachable.*${reason}`)])
  })
})
