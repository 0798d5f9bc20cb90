import { expect, test } from 'vitest'
import { answerToError, ApiError } from '../../src/emulator/api-error.ts'
import { normaliseId, recordId, toId18 } from '../../src/emulator/record-id.ts'

test('a refusal is answered in the shape of the REST API', () => {
  const error = new ApiError(400, 'REQUIRED_FIELD_MISSING', 'Name is missing', ['Name'])
  expect(answerToError(error)).toMatchObject({ status: 400 })
  expect(JSON.stringify(answerToError(error).json)).toBe(
    '[{"message":"Name is missing","errorCode":"REQUIRED_FIELD_MISSING","fields":["Name"]}]',
  )
})

test('a fault of its own is a 500 in that shape', () => {
  for (const [error, message] of [
    [new Error('broken'), 'broken'],
    ['thrown text', 'An unexpected error occurred'],
  ]) {
    expect(answerToError(error)).toMatchObject({ status: 500, json: [{ errorCode: 'UNKNOWN_EXCEPTION', message }] })
  }
})

test('the long form of an Id guards the case of the short one', () => {
  expect(toId18('001A0000006Vm9r')).toBe('001A0000006Vm9rIAC')
  expect(toId18('000000000000000')).toBe('000000000000000AAA')
  expect(toId18('ABCDEABCDEABCDE')).toBe('ABCDEABCDEABCDE555')
  expect(normaliseId('001A0000006Vm9r')).toBe('001A0000006Vm9rIAC')
  for (const wrong of ['', '001A0000006Vm9', '001A0000006Vm9rIACx', "001A0000006Vm9'"]) {
    expect(normaliseId(wrong)).toBeUndefined()
  }
})

test('record Ids are counted in letters and digits', () => {
  expect([0, 61, 62].map((index) => recordId('a03', index).slice(0, 15))).toEqual([
    'a035f0000000000',
    'a035f000000000z',
    'a035f0000000010',
  ])
})
