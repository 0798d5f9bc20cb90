import { keyWithin, type CallerKey } from '../caller-key.ts'
import { placeholderToken } from '../caller-session.ts'
import { readBody, unjudgeableBody } from '../judged-body.ts'
import { LOGIN_BODY_BYTES, type LocalAnswer, type LocalCall } from './local-call.ts'
import type { LoginContext } from './login-context.ts'
import { isLoginOperation, isSeparateLogin, soapService, soapVersion } from './login-paths.ts'
import { soapAnswer, soapRefusal } from './soap-answer.ts'
import { childOf, element, parseXml, type XmlElement } from './xml.ts'

/** `POST …/services/Soap/{u,c}/NN.0` with login, logout or invalidateSessions; a fault for an envelope that cannot be read. */
export async function answerSoap(call: LocalCall, context: LoginContext): Promise<LocalAnswer> {
  const service = soapService(call.policyPath)
  const refuse = (code: string, message: string) => soapRefusal(service, code, message)
  if (call.method !== 'POST') return refuse('UNKNOWN_EXCEPTION', 'SOAP requests are sent by POST')
  if (unjudgeableBody(call.headers, true) !== undefined) return refuse('UNKNOWN_EXCEPTION', UNREADABLE)
  const body = await readBody(call.body, { limitBytes: LOGIN_BODY_BYTES, claim: call.claim })
  if (body === 'too-large') return refuse('UNKNOWN_EXCEPTION', 'The envelope is larger than a login could be.')
  const envelope = parseXml(decoded(body))
  if ('problem' in envelope) return refuse('UNKNOWN_EXCEPTION', `${UNREADABLE} As it is, ${envelope.problem}.`)
  const operation = envelope.name === 'Envelope' ? childOf(envelope, 'Body')?.children[0] : undefined
  if (operation === undefined) return refuse('UNKNOWN_EXCEPTION', UNREADABLE)
  if (!isLoginOperation(operation.name)) {
    // On the API's own path another operation comes here only where the policy could not read the envelope.
    return refuse('UNKNOWN_EXCEPTION', isSeparateLogin(call.policyPath) ? NOT_HERE : UNREADABLE)
  }
  switch (operation.name) {
    case 'login':
      return login(operation, call, context)
    case 'logout':
      return soapAnswer(service, '<logoutResponse/>')
    case 'invalidateSessions':
      return soapAnswer(service, `<invalidateSessionsResponse>${ended(operation)}</invalidateSessionsResponse>`)
    default:
      // Another case of letters, which the policy is not particular about; the platform is.
      return refuse('UNKNOWN_EXCEPTION', `No operation available for request ${operation.name}`)
  }
}

const UNREADABLE =
  'The proxy reads this envelope, and it is no well-formed SOAP without DOCTYPE, with one operation in its Body.'
const NOT_HERE = 'This address serves login alone: other operations go to the serverUrl of its answer.'
const WRONG_KEY =
  'Invalid username, password, security token; or user locked out. This proxy asks for its key (PROXY_API_KEY) as the password, or as the security token after it.'

async function login(operation: XmlElement, call: LocalCall, context: LoginContext): Promise<LocalAnswer> {
  const service = soapService(call.policyPath)
  const keys = context.callerKeys?.()
  const key = keys && keyOf(keys, call, childOf(operation, 'password')?.text ?? '')
  if (keys && key === undefined) return soapRefusal(service, 'INVALID_LOGIN', WRONG_KEY)

  const [{ orgId, userId }, userInfo] = await Promise.all([context.ids(), context.userInfo()])
  const version = soapVersion(call.policyPath)
  const server = (name: string) => `${context.origin}/services/Soap/${name}/${version}/${orgId.slice(0, 15)}`
  const result = [
    element('metadataServerUrl', server('m')),
    element('passwordExpired', 'false'),
    element('sandbox', String(context.isSandbox())),
    element('serverUrl', server(service)),
    element('sessionId', placeholderToken(orgId, key?.session)),
    element('userId', userId),
    `<userInfo>${Array.from(userInfo, ([name, text]) => element(name, text)).join('')}</userInfo>`,
  ].join('')
  return { ...soapAnswer(service, `<loginResponse><result>${result}</result></loginResponse>`), caller: key?.name }
}

function keyOf(keys: readonly CallerKey[], call: LocalCall, password: string): CallerKey | undefined {
  if (call.caller !== undefined) return keys.find(({ name }) => name === call.caller)
  return keyWithin(keys, password)
}

/** Nothing ends: the sessions that callers name are placeholders. Each is told what it wants to hear. */
function ended({ children }: XmlElement): string {
  return children
    .filter(({ name }) => name === 'sessionIds')
    .map(() => `<result>${element('success', 'true')}</result>`)
    .join('')
}

/** By its byte order mark, else UTF-8. What is not, is not read. */
function decoded(body: Buffer): string {
  const [first, second] = body
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8'
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(body)
  } catch {
    return ''
  }
}
