import { startEmulator, type Emulator, type EmulatorOptions } from '../../src/emulator/emulator.ts'

/** An answer read to its end. */
export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON, undefined where it is none. */
  readonly json: unknown
}

export interface EmulatedOrg extends AsyncDisposable {
  readonly emulator: Emulator
  /** Asks the token endpoint with the app's credentials, and with whatever the form adds or overrides. */
  mint(form?: Record<string, string>): Promise<Answered>
  /** Calls the API with a live session: each call mints, which hands back the same token. */
  call(path: string, init?: RequestInit): Promise<Answered>
  /** Calls it with no session of its own. */
  bare(path: string, init?: RequestInit): Promise<Answered>
}

/** A started emulator with a client that has its credentials. Twenty hosts unless told otherwise. */
export async function emulatedOrg(options: EmulatorOptions = {}): Promise<EmulatedOrg> {
  const emulator = await startEmulator({ records: 20, ...options })
  const bare = async (path: string, init: RequestInit = {}) => answered(await fetch(emulator.url + path, init))
  const mint = (form: Record<string, string> = {}) => {
    const { clientId: client_id, clientSecret: client_secret } = emulator
    const body = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret, ...form })
    return bare('/services/oauth2/token', { method: 'POST', body })
  }
  const call = async (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers)
    headers.set('authorization', `Bearer ${accessToken(await mint())}`)
    return bare(path, { ...init, headers })
  }
  return { emulator, mint, call, bare, [Symbol.asyncDispose]: () => emulator.close() }
}

/** The token of a token answer; throws where there is none. */
export function accessToken({ json, text }: Answered): string {
  if (typeof json === 'object' && json !== null && 'access_token' in json && typeof json.access_token === 'string') {
    return json.access_token
  }
  throw new Error(`no token in ${text}`)
}

async function answered(response: Response): Promise<Answered> {
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: parsed(text) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
