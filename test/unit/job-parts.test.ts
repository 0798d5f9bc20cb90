import { expect, test } from 'vitest'
import { jobPart } from '../../src/server/job-parts.ts'

const FORM = 'multipart/form-data; boundary=xyz'
const JOB = '{"object":"Case"}'
const DISPOSITION = 'Content-Disposition: form-data; name="job"'
const CONTENT = 'Content-Disposition: form-data; name="content"; filename="a.csv"'
const part = (body: string, ...head: string[]) => ['--xyz', ...head, '', body]
const END = ['--xyz--', '']
const read = (lines: readonly string[], type = FORM, lineEnd = '\r\n') =>
  jobPart(Buffer.from(lines.join(lineEnd), 'latin1'), type)?.toString('latin1')

const job = part(JOB, DISPOSITION)
const data = part('Id\n5', 'Content-Type: text/csv', CONTENT)

test.each([
  ['the job alone', [...job, ...END]],
  ['with its data', [...job, ...data, ...END]],
  ['without a line end at the end', [...job, ...data, '--xyz--']],
  ['with a type', [...part(JOB, 'Content-Type: application/json; charset=UTF-8', DISPOSITION), ...END]],
  ['as of curl', [...part(JOB, `${DISPOSITION}; filename="job.json"`, 'Content-Type: application/json'), ...END]],
  ['as of .NET', [...part(JOB, "Content-Disposition: form-data; name=job; filename*=utf-8''j"), ...END]],
  ['as of Java', [...part(JOB, DISPOSITION, 'Content-Transfer-Encoding: 8bit', 'Content-Length: 17'), ...END]],
])('the job is read: %s', (_how, lines) => {
  expect(read(lines)).toBe(JOB)
})

test('the job is read with line feeds alone, as the documentation of the platform has it in a file', () => {
  expect(read([...job, ...data, ...END], FORM, '\n')).toBe(JOB)
  expect(read([...job, ...part('Id\r\n5\r', CONTENT), ...END], FORM, '\n')).toBe(JOB)
})

test.each([
  'multipart/form-data; boundary="xyz"',
  'multipart/form-data;boundary=xyz',
  'Multipart/Form-Data; charset=UTF-8; Boundary=xyz',
])('the job is read behind %s', (type) => {
  expect(read([...job, ...END], type)).toBe(JOB)
})

test.each([
  'multipart/form-data',
  'multipart/form-data; boundary=',
  'multipart/form-data; boundary="xyz "',
  'multipart/form-data; boundary="x\\yz"',
  "multipart/form-data; boundary='xyz'",
  'multipart/form-data; boundary=xyz; boundary=abc',
  'multipart/form-data; boundary=xyz; boundary*=abc',
  'multipart/form-data; boundary=xyz, multipart/form-data; boundary=abc',
  'multipart/form-data; boundary=xyz abc',
  'multipart/form-data; boundary="xyz',
])('nothing is read behind %s', (type) => {
  expect(read([...job, ...END], type)).toBeUndefined()
})

const evil = part('{"object":"AuthSession"}', DISPOSITION)

test.each([
  ['a preamble', ['x', ...job, ...END]],
  ['an empty preamble', ['', ...job, ...END]],
  ['a part that could be a preamble', [...part(JOB, DISPOSITION).with(0, '--xyz '), ...evil, ...END]],
  ['a boundary that goes on', [...part(JOB, DISPOSITION).with(0, '--xyz2'), ...evil, ...END]],
  ['two jobs', [...job, ...evil, ...END]],
  ['a job behind the data', [...data, ...job, ...END]],
  ['a second part that could be a job', [...job, ...part('{}', 'Content-Type: application/json', CONTENT), ...END]],
  ['parts in a part', [...job, ...part('', 'Content-Type: multipart/mixed; boundary=b', CONTENT), ...END]],
  ['three parts', [...job, ...data, ...data, ...END]],
  ['no end', [...job, ...data]],
  ['an end before the job', ['--xyz--', ...job, ...END]],
  ['more behind the end', [...job, ...END, ...evil, ...END]],
  ['an epilogue', [...job, ...END, 'x']],
  ['no part', END],
  ['an end within a line', [...part(`${JOB}--xyz`, DISPOSITION), ...END]],
  ['an end of another line end', [...part(`${JOB}\n--xyz\n${DISPOSITION}\n\n{}`, DISPOSITION), ...END]],
  ['an end behind a carriage return', [...part(`${JOB}\r--xyz\r`, DISPOSITION), ...END]],
  ['a head that another line end closes', [...part(`{}\r\n\r\n${JOB}`, `${DISPOSITION}\n\n{}`), ...END]],
  ['a carriage return in the head', [...part(JOB, `${DISPOSITION}\rContent-Type: text/plain`), ...END]],
  ['no head', [...part(JOB), ...END]],
  ['no head and no body', ['--xyz', ...END]],
  ['a folded field', [...part(JOB, 'Content-Disposition: form-data;', ' name="job"'), ...END]],
  ['a folded field behind', [...part(JOB, DISPOSITION, '\tx'), ...END]],
  ['a field without a colon', [...part(JOB, DISPOSITION, 'x'), ...END]],
  ['a field before its colon', [...part(JOB, 'Content-Disposition : form-data; name="job"'), ...END]],
  ['a field twice', [...part(JOB, DISPOSITION, CONTENT), ...END]],
  ['an unknown field', [...part(JOB, DISPOSITION, 'Content-Encoding: gzip'), ...END]],
  ['a name twice', [...part(JOB, `${DISPOSITION}; name="content"`), ...END]],
  ['a name in another charset', [...part(JOB, `${DISPOSITION}; name*=utf-8''content`), ...END]],
  ['no name', [...part(JOB, 'Content-Disposition: form-data'), ...END]],
  ['another charset', [...part(JOB, DISPOSITION, 'Content-Type: application/json; charset=IBM037'), ...END]],
  ['base64', [...part(JOB, DISPOSITION, 'Content-Transfer-Encoding: base64'), ...END]],
  ['base64 behind a comment', [...part(JOB, DISPOSITION, 'Content-Transfer-Encoding: (7bit) base64'), ...END]],
  ['a length that is not its own', [...part(JOB, DISPOSITION, 'Content-Length: 3'), ...END]],
])('nothing is read of a body with %s', (_what, lines) => {
  expect(read(lines)).toBeUndefined()
})

test('nothing is read of a job with both line ends in a body of line feeds', () => {
  expect(read([...part(`{\r\n\r\n}`, DISPOSITION), ...END], FORM, '\n')).toBeUndefined()
})

test.each([
  ['spaces', ' '],
  ['names of a charset', 'charset'],
  ['parameters', '; charset=utf-8'],
  ['quotes', '; a="'],
])('a type of a megabyte of %s takes no longer than its length', (_what, piece) => {
  // Were it the square of its length, this would end in the timeout.
  const type = `text/plain; charset${piece.repeat(1_000_000 / piece.length)}`
  expect(read([...part(JOB, DISPOSITION, `Content-Type: ${type}`), ...END])).toBeUndefined()
})
