import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import type { ApiFamily } from '../upstream/api-family.ts'
import { codingOf, decoded, encoded } from '../upstream/content-coding.ts'
import { HeldAnswer } from '../upstream/held-answer.ts'
import {
  addressForm,
  isLoginAnswer,
  MAX_ADDRESS_BYTES,
  MAX_SOAP_PEEK_BYTES,
  withCallerAddresses,
  type AddressForm,
} from '../upstream/own-addresses.ts'

export interface AddressSinkOptions {
  readonly family: ApiFamily
  readonly upstreamOrigin: () => string
  readonly callerOrigin: string
  /** Where the answer goes. */
  readonly sink: Dispatcher.DispatchHandler
}

interface Held {
  readonly form: AddressForm
  readonly answer: HeldAnswer
  /** Whether it is one that may name addresses, not only looks like one. */
  isChosen: boolean
  /** From this length on it is worth another look. */
  lookAgainAt: number
}

/** Digests of the bytes that came: they do not fit those that go. Content-Length is put right instead. */
const DIGESTS: readonly string[] = ['content-md5', 'content-digest', 'repr-digest', 'digest']

/** Holds the small answers that name the org's own addresses, and passes them on with the caller's address in their place. Any other answer flows through. */
export class AddressSink implements Dispatcher.DispatchHandler {
  readonly #options: AddressSinkOptions
  readonly #sink: Dispatcher.DispatchHandler
  #held: Held | undefined

  constructor(options: AddressSinkOptions) {
    this.#options = options
    this.#sink = options.sink
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#sink.onRequestStart?.(controller, context)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    statusText?: string,
  ): void {
    const form = addressForm(this.#options.family, status, headers)
    if (form === undefined) {
      this.#sink.onResponseStart?.(controller, status, headers, statusText)
      return
    }
    const answer = new HeldAnswer({ status, headers, statusText }, MAX_ADDRESS_BYTES)
    this.#held = { form, answer, isChosen: form !== 'soap', lookAgainAt: 0 }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const held = this.#held
    if (held === undefined) this.#sink.onResponseData?.(controller, chunk)
    else if (!held.answer.add(chunk) || !this.#isWorthHolding(held)) this.#passOn(controller, held.answer)
  }

  onResponseEnd(controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    if (this.#held !== undefined) this.#passOn(controller, this.#rewritten(controller, this.#held))
    this.#sink.onResponseEnd?.(controller, trailers)
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.#sink.onResponseError?.(controller, error)
  }

  /** SOAP answers are of any size and kind: the first element in the Body tells. */
  #isWorthHolding(held: Held): boolean {
    if (held.isChosen || held.answer.length < held.lookAgainAt) return true
    const { body, headers } = held.answer
    // Only when there is twice as much: single bytes must not cost the square of their number.
    held.lookAgainAt = Math.min(body.length * 2, MAX_SOAP_PEEK_BYTES)
    const isLogin = isLoginAnswer(textOf(decoded(body, codingOf(headers['content-encoding']), MAX_ADDRESS_BYTES)))
    held.isChosen = isLogin === true
    return isLogin ?? body.length <= MAX_SOAP_PEEK_BYTES
  }

  #passOn(controller: Dispatcher.DispatchController, answer: HeldAnswer): void {
    this.#held = undefined
    answer.passTo(this.#sink, controller)
  }

  /** The very answer that came, where there is nothing to rewrite in it. */
  #rewritten(controller: Dispatcher.DispatchController, { form, answer }: Held): HeldAnswer {
    const coding = codingOf(answer.headers['content-encoding'])
    const text = textOf(decoded(answer.body, coding, MAX_ADDRESS_BYTES))
    const { upstreamOrigin, callerOrigin } = this.#options
    const changed = withCallerAddresses(text, form, { upstreamOrigin: upstreamOrigin(), callerOrigin })
    if (changed === text) return answer
    const body = encoded(Buffer.from(changed, 'latin1'), coding)
    controller.rawHeaders = fitting(controller.rawHeaders, body.length)
    return answer.with(body)
  }
}

/** Byte for byte: what is not markup is not read. */
function textOf(bytes: Buffer | undefined): string {
  return bytes?.toString('latin1') ?? ''
}

/** undici's raw list, with the length that the body has now. */
function fitting(raw: Dispatcher.DispatchController['rawHeaders'], length: number): Buffer[] {
  const kept: Buffer[] = []
  // undici's HTTP/1.1 client gives a flat array of Buffers.
  const fields = Array.isArray(raw) ? (raw as Buffer[]) : []
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [field, value] = fields.slice(at, at + 2)
    const name = String(field).toLowerCase()
    if (field === undefined || value === undefined || DIGESTS.includes(name)) continue
    kept.push(field, name === 'content-length' ? Buffer.from(String(length)) : value)
  }
  return kept
}
