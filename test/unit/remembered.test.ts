import { expect, test } from 'vitest'
import { remembered } from '../../src/remembered.ts'

function counting() {
  const asked: string[] = []
  const answer = remembered((text) => {
    asked.push(text)
    return text === 'nothing' ? undefined : text.length
  })
  return { asked, answer }
}

test('the same text is answered once, also where the answer is undefined', () => {
  const { asked, answer } = counting()
  expect([answer('/a'), answer('/a'), answer('nothing'), answer('nothing')]).toEqual([2, 2, undefined, undefined])
  expect(asked).toEqual(['/a', 'nothing'])
})

test('texts that differ in anything have answers of their own', () => {
  const { answer } = counting()
  for (const text of ['/a', '/A', '/a/', '/\u00e4', '/a\u0308', '\ud800', '\udfff', ''])
    expect(answer(text)).toBe(text.length)
})

test('whoever asks for ever new texts makes it forget the others, not those in use', () => {
  const { asked, answer } = counting()
  answer('/rare')
  for (let n = 0; n < 2000; n++) {
    answer(`/new/${n}`)
    answer('/used')
  }
  expect(asked.filter((text) => text === '/used')).toHaveLength(1)
  answer('/rare')
  expect(asked.filter((text) => text === '/rare')).toHaveLength(2)
  expect(asked).toHaveLength(2003)
})

test('long texts are answered each time', () => {
  const { asked, answer } = counting()
  const long = '/'.repeat(257)
  expect([answer(long), answer(long)]).toEqual([257, 257])
  expect(asked).toHaveLength(2)
})

test('what is thrown is not remembered', () => {
  let calls = 0
  const answer = remembered(() => {
    calls += 1
    throw new Error('no')
  })
  expect(() => answer('x')).toThrow('no')
  expect(() => answer('x')).toThrow('no')
  expect(calls).toBe(2)
})
