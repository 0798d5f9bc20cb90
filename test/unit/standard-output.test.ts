import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { StandardOutput } from '../../src/cli/standard-output.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A file or pipe with room for so many bytes, and what the output reported of it. */
function place(room = Infinity, full = 'ENOSPC') {
  const state = { room, full, text: '', now: 0, reports: [] as string[] }
  const output = new StandardOutput({
    fd: 1,
    now: () => state.now,
    write(_fd, bytes) {
      const written = Math.min(bytes.length, state.room)
      if (written === 0) throw Object.assign(new Error('no room'), { code: state.full })
      state.room -= written
      state.text += bytes.subarray(0, written).toString()
      return written
    },
  })
  output.watch({
    onFailing: (problem) => state.reports.push(`failing: ${problem}`),
    onRecovered: ({ lines, problem }) => state.reports.push(`recovered: ${lines} ${problem}`),
  })
  return { state, output }
}

test('what can be written is written at once', () => {
  const { state, output } = place()
  output.write('one\n')
  output.write('two\nthree\n')
  output.flush()
  expect(state).toMatchObject({ text: 'one\ntwo\nthree\n', reports: [] })
  expect(output).toMatchObject({ lostLines: 0, problem: undefined })
})

test('on a full disk lines are lost and counted, and reported once there is room', () => {
  const { state, output } = place(4)
  output.write('one\n')
  for (const text of ['two\n', 'three\nfour\n']) output.write(text)
  expect(output).toMatchObject({ lostLines: 3, problem: 'ENOSPC' })
  state.room = Infinity
  output.write('five\n')
  output.write('six\n')
  expect(output).toMatchObject({ lostLines: 3, problem: undefined })
  expect(state).toMatchObject({ text: 'one\nfive\nsix\n', reports: ['failing: ENOSPC', 'recovered: 3 ENOSPC'] })
})

test('a line that was cut counts as lost, and the next one does not continue it', () => {
  const { state, output } = place(6)
  output.write('one\ntwo\nthree\n')
  output.write('four\n')
  expect(output.lostLines).toBe(3)
  state.room = Infinity
  output.write('five\n')
  expect(state.text).toBe('one\ntw\nfive\n')
})

test('a disk that is full again and again is reported every ten seconds', () => {
  const { state, output } = place(0)
  const flicker = () => {
    state.room = 0
    output.write('lost\n')
    state.room = Infinity
    output.write('kept\n')
  }
  flicker()
  flicker()
  flicker()
  expect(state.reports.filter((report) => report.startsWith('recovered'))).toEqual(['recovered: 1 ENOSPC'])
  state.now += 10_000
  output.write('kept\n')
  expect(state.reports.at(-1)).toBe('recovered: 2 ENOSPC')
})

test('a reader that stalls is waited for, with a bound on what is kept', () => {
  const { state, output } = place(10, 'EAGAIN')
  const line = `${'x'.repeat(1023)}\n`
  for (let count = 0; count < 3000; count += 1) output.write(line)
  expect(output.problem).toBe('EAGAIN')
  expect(output.lostLines).toBeGreaterThan(1900)
  expect(state.reports).toEqual(['failing: EAGAIN'])
  state.room = Infinity
  vi.advanceTimersByTime(20)
  expect(state.text).toBe(line.repeat(3000 - output.lostLines))
  expect(state.reports.at(-1)).toBe(`recovered: ${output.lostLines} EAGAIN`)
  expect(vi.getTimerCount()).toBe(0)
})

test('one piece that is larger than all that is kept is written in the end', () => {
  const { state, output } = place(10, 'EAGAIN')
  const large = `${'x'.repeat(3_000_000)}\n`
  output.write(large)
  while (state.text.length < large.length) {
    state.room = 65_536
    vi.advanceTimersByTime(20)
  }
  expect(state.text).toBe(large)
  expect(output.lostLines).toBe(0)
})

test('a reader that goes away while it was waited for takes what was kept along', () => {
  const { state, output } = place(2, 'EAGAIN')
  output.write('one\n')
  output.write('two\n')
  state.full = 'EPIPE'
  vi.advanceTimersByTime(20)
  expect(output).toMatchObject({ lostLines: 2, problem: 'EPIPE' })
})
