import { isBlank } from './markup-bytes.ts'

/**
 * Watches an envelope while it streams: one Envelope with Headers and one Body, in it one element, after which nothing follows but white
 * space, comments and the ends of Body and Envelope. An operation was judged by being the first, so it has to be the only one.
 * It checks no more of well-formedness than that takes; an XML parser stops where a text is malformed.
 */
export class SoapShape {
  #state: State = 'text'
  /** Of elements that are open; the operation is at 2. */
  #depth = 0
  #place: 'before' | 'header' | 'body' | 'after' = 'before'
  #hasOperation = false
  /** The last two bytes before the one that is read: ends such as `-->` may lie across chunks. */
  #last = 0
  #beforeLast = 0
  #quote = 0
  /** The two bytes before the `>` that ends what is skipped; 0 is any. */
  #closer: readonly [number, number] = [0, 0]
  /** The name of a start tag at the outer levels, or the opener of a declaration. */
  #name = ''

  /** Whether the envelope is still such a one. Takes ASCII markup; once false it is not to be asked again. */
  push(bytes: Buffer): boolean {
    let at = 0
    while (at < bytes.length) {
      at = this[this.#state](bytes, at)
      if (at === BROKEN) return false
    }
    return true
  }

  private text(bytes: Buffer, from: number): number {
    const next = bytes.indexOf(LESS, from)
    const end = next === -1 ? bytes.length : next
    if (this.#depth < 3 && !isBlank(bytes, from, end)) return BROKEN
    if (next === -1) return end
    this.#state = 'opened'
    return next + 1
  }

  private opened(bytes: Buffer, at: number): number {
    this.#last = this.#beforeLast = this.#quote = 0
    this.#name = ''
    switch (bytes[at]) {
      case BANG:
        this.#state = 'declaration'
        return at + 1
      case QUESTION:
        if (this.#hasOperation && this.#depth < 3) return BROKEN
        this.#skip(0, QUESTION)
        return at + 1
      case SLASH:
        this.#state = 'endTag'
        return at + 1
      default:
        this.#state = this.#depth < 2 ? 'name' : 'tag'
        return at
    }
  }

  private declaration(bytes: Buffer, at: number): number {
    this.#name += String.fromCharCode(bytes[at] ?? 0)
    if (!'--'.startsWith(this.#name) && !'[CDATA['.startsWith(this.#name)) return BROKEN
    if (this.#name === '[CDATA[' && this.#depth < 3) return BROKEN
    if (this.#name === '--') this.#skip(DASH, DASH)
    else if (this.#name === '[CDATA[') this.#skip(BRACKET, BRACKET)
    return at + 1
  }

  #skip(...closer: readonly [number, number]): void {
    this.#closer = closer
    this.#state = 'skipped'
  }

  /** A comment, CDATA or instruction, to the `>` that the bytes of its closer precede. */
  private skipped(bytes: Buffer, from: number): number {
    const [beforeLast, last] = this.#closer
    let search = from
    for (;;) {
      const end = bytes.indexOf(GREATER, search)
      const stop = end === -1 ? bytes.length : end
      const one = this.#byteBefore(bytes, stop, from, 1)
      const two = this.#byteBefore(bytes, stop, from, 2)
      if (end === -1) {
        this.#last = one
        this.#beforeLast = two
        return stop
      }
      if (one === last && (beforeLast === 0 || two === beforeLast)) {
        this.#state = 'text'
        return end + 1
      }
      search = end + 1
    }
  }

  /** The byte that lies `back` before `at`: in this chunk from `from` on, or else what the former one left. */
  #byteBefore(bytes: Buffer, at: number, from: number, back: 1 | 2): number {
    if (at - back >= from) return bytes[at - back] ?? 0
    return back - (at - from) === 1 ? this.#last : this.#beforeLast
  }

  private name(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0
      if (byte <= 0x20 || byte === SLASH || byte === GREATER) {
        this.#state = 'tag'
        return this.#mayOpen() ? at : BROKEN
      }
      if (this.#name.length === MOST_NAME) return BROKEN
      this.#name += String.fromCharCode(byte)
    }
    return bytes.length
  }

  /** Whether this element may stand here, at the levels of Envelope, and of Header and Body. */
  #mayOpen(): boolean {
    const local = this.#name.slice(this.#name.indexOf(':') + 1)
    if (this.#depth === 0) return this.#place === 'before' && local === 'Envelope'
    if (local === 'Header' && (this.#place === 'before' || this.#place === 'header')) {
      this.#place = 'header'
      return true
    }
    if (local !== 'Body' || this.#place === 'body' || this.#place === 'after') return false
    this.#place = 'body'
    return true
  }

  private tag(bytes: Buffer, from: number): number {
    let quote = this.#quote
    let last = this.#last
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0
      if (byte === LESS) return BROKEN
      if (quote !== 0) {
        if (byte === quote) quote = 0
      } else if (byte === GREATER) {
        return this.#open(last === SLASH) ? at + 1 : BROKEN
      } else if (byte === DOUBLE || byte === SINGLE) {
        quote = byte
      }
      last = byte
    }
    this.#quote = quote
    this.#last = last
    return bytes.length
  }

  #open(isEmpty: boolean): boolean {
    if (this.#depth === 2 && this.#place === 'body') {
      if (this.#hasOperation) return false
      this.#hasOperation = true
    }
    if (!isEmpty) this.#depth++
    else if (this.#depth === 0) this.#place = 'after'
    this.#state = 'text'
    return true
  }

  private endTag(bytes: Buffer, from: number): number {
    const end = bytes.indexOf(GREATER, from)
    if (end === -1) return bytes.length
    if (this.#depth === 0) return BROKEN
    this.#depth--
    if (this.#depth === 0) this.#place = 'after'
    this.#state = 'text'
    return end + 1
  }
}

type State = 'text' | 'opened' | 'declaration' | 'skipped' | 'name' | 'tag' | 'endTag'

const BROKEN = -1
const MOST_NAME = 256
const [LESS, GREATER, SLASH, BANG, QUESTION, DASH, BRACKET, DOUBLE, SINGLE] = [
  0x3c, 0x3e, 0x2f, 0x21, 0x3f, 0x2d, 0x5d, 0x22, 0x27,
] as const
