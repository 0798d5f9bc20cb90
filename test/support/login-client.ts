import { ask, type Question, type Reply } from './http-client.ts'

interface LoginQuestion extends Question {
  readonly path?: string
  readonly headers?: Record<string, string>
}

/** A token request as a tool sends it: a form by POST, unless told otherwise. */
export function askToken(
  port: number,
  form: Record<string, string>,
  { path = '/services/oauth2/token', ...question }: LoginQuestion = {},
): Promise<Reply> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', ...question.headers }
  return ask(port, path, { method: 'POST', body: new URLSearchParams(form).toString(), ...question, headers })
}

/** The fields of a token answer; throws where they are no texts. */
export function tokenFields(reply: Reply): Record<string, string> {
  const fields = reply.json()
  if (typeof fields !== 'object' || fields === null) throw new Error(`no token answer: ${reply.text}`)
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]))
}

/** An envelope of the partner API; `session` in its header. */
export function envelope(operation: string, session?: string): string {
  const header =
    session === undefined
      ? ''
      : `<se:Header><SessionHeader xmlns="urn:partner.soap.sforce.com"><sessionId>${session}</sessionId></SessionHeader></se:Header>`
  return `<?xml version="1.0" encoding="UTF-8"?><se:Envelope xmlns:se="http://schemas.xmlsoap.org/soap/envelope/">${header}<se:Body>${operation}</se:Body></se:Envelope>`
}

export const loginCall = (username: string, password: string) =>
  `<login xmlns="urn:partner.soap.sforce.com"><username>${username}</username><password>${password}</password></login>`

export function askSoap(
  port: number,
  body: string | Buffer,
  { path = '/services/Soap/u/64.0', ...question }: LoginQuestion = {},
): Promise<Reply> {
  const headers = { 'content-type': 'text/xml; charset=UTF-8', soapaction: '""', ...question.headers }
  return ask(port, path, { method: 'POST', body, ...question, headers })
}

/** The text of an element that has neither prefix nor attribute, as clients look for it. */
export function scraped(text: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1]
}
