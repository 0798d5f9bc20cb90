import { expect, test } from 'vitest'
import { ConfigError } from '../../src/config.ts'
import { inWords, parseDuration } from '../../src/cli/duration.ts'
import { diagnosisRows, painter, rowText } from '../../src/cli/layout.ts'
import { takeFlags } from '../../src/cli/own-flags.ts'

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['2m', 120_000],
  ['1h', 3_600_000],
  ['7', 7000],
  ['', undefined],
  ['soon', undefined],
  ['-1s', undefined],
  ['1.5s', undefined],
])('the duration %j is %j milliseconds', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each([
  [0, '0 s'],
  [59.6, '1 min'],
  [61, '1 min 1 s'],
  [3600, '1 h'],
  [7383, '2 h 3 min'],
  [90_000, '1 d 1 h'],
  [-5, '0 s'],
])('%d seconds are said as %j', (seconds, words) => {
  expect(inWords(seconds)).toBe(words)
})

test('a row is wrapped beside its label, and a word longer than the line is left whole', () => {
  const long = 'x'.repeat(90)
  expect(rowText({ label: 'To do', text: `${'word '.repeat(17)}${long} end` }, { indent: 2, labelWidth: 6 })).toBe(
    `  To do   ${'word '.repeat(14)}word\n          word word\n          ${long}\n          end\n`,
  )
})

test('colours are for terminals, and for those who want them', () => {
  expect(painter({ isTTY: true, env: {} })('red', 'no')).toBe('\x1b[31mno\x1b[39m')
  for (const plain of [
    { isTTY: false, env: {} },
    { isTTY: true, env: { NO_COLOR: '1' } },
    { isTTY: true, env: { TERM: 'dumb' } },
  ]) {
    expect(painter(plain)('red', 'no')).toBe('no')
  }
})

test('both kinds of app are named where they are mended in different places', () => {
  const diagnosis = { code: 'x', summary: 's', fix: 'here', externalClientApp: 'there', loginHistory: 'no row' }
  expect(diagnosisRows(diagnosis).map(({ text }) => text)).toEqual(['here', 'there', 'no row'])
  expect(diagnosisRows({ ...diagnosis, externalClientApp: 'the same' }).map(({ text }) => text)).toEqual([
    'here',
    'no row',
  ])
})

test("a command's own flags are taken, in either spelling, and the rest are settings", () => {
  const argv = ['--max', '5s', '--admin-port', '1', '--json', '--constructor', 'x']
  const { own, rest } = takeFlags(argv, { max: 'value', json: 'switch' })
  expect([...own]).toEqual([
    ['max', '5s'],
    ['json', ''],
  ])
  expect(rest).toEqual(['--admin-port', '1', '--constructor', 'x'])
  expect([...takeFlags(['--max=5s'], { max: 'value' }).own]).toEqual([['max', '5s']])
})

test.each([[['--max']], [['--max', '--json']]])('%j lacks a value', (argv) => {
  expect(() => takeFlags(argv, { max: 'value' })).toThrow(new ConfigError(['--max needs a value.']))
})
