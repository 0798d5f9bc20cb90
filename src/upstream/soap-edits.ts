import { xmlTags, type XmlTag } from './xml-tags.ts'

/** `text` takes the place of the characters from `start` up to `end`. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

export interface SoapProblem {
  /** A sentence without input. */
  readonly problem: string
}

export interface SessionToPlace {
  readonly token: string
  /** The service's namespace, for a SessionHeader that is missing; undefined where the path names no known service. */
  readonly namespace: string | undefined
}

/**
 * What to change at the beginning of a SOAP request, in order, so that its SessionHeader carries this session and no other.
 * Undefined where the text ends before the Body, whose contents are never looked at. Elements are known by their local names.
 */
export function sessionEdits(text: string, session: SessionToPlace): readonly Edit[] | SoapProblem | undefined {
  const placing = new Placing(text, session)
  const open: XmlTag[] = []
  for (const tag of xmlTags(text)) {
    if (tag.kind === 'declaration') return DOCTYPE
    if (tag.kind !== 'close') {
      open.push(tag)
      const done = placing.enter(placeOf(open), tag)
      if (done) return done
    }
    if (tag.kind !== 'open') {
      const place = placeOf(open)
      const element = open.pop()
      const problem = element?.name === tag.name ? placing.leave(place, element, tag) : MALFORMED
      if (problem) return problem
    }
  }
  return undefined
}

const ENVELOPE = '/Envelope'
const HEADER = '/Envelope/Header'
const SESSION_HEADER = '/Envelope/Header/SessionHeader'
const SESSION_ID = '/Envelope/Header/SessionHeader/sessionId'
const BODY = '/Envelope/Body'
const DEEPEST = 4

const DOCTYPE: SoapProblem = { problem: 'A SOAP request holds no document type declaration (SOAP 1.1 §3).' }
const MALFORMED: SoapProblem = { problem: 'The body is no SOAP envelope with a Header and a Body.' }
const UNKNOWN_SERVICE: SoapProblem = {
  problem:
    'The envelope has no SessionHeader, and the path names no SOAP service that the proxy knows the namespace of.',
}

class Placing {
  readonly #text: string
  readonly #namespace: string | undefined
  readonly #token: string
  readonly #edits: Edit[] = []
  #envelopePrefix = ''
  #hasHeader = false
  #hasSessionHeader = false
  #hasSessionId = false

  constructor(text: string, { token, namespace }: SessionToPlace) {
    this.#text = text
    this.#namespace = namespace
    this.#token = token.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  }

  /** The edits once the Body begins. */
  enter(place: string, tag: XmlTag): readonly Edit[] | SoapProblem | undefined {
    switch (place) {
      case ENVELOPE:
        this.#envelopePrefix = prefixOf(tag)
        return undefined
      case HEADER:
        if (this.#hasHeader) return MALFORMED
        this.#hasHeader = true
        return undefined
      case SESSION_HEADER:
        this.#hasSessionHeader = true
        this.#hasSessionId = false
        return undefined
      case BODY:
        return this.#finishAt(tag.start)
      default:
        return place.startsWith(`${HEADER}/`) ? undefined : MALFORMED
    }
  }

  leave(place: string, element: XmlTag, close: XmlTag): SoapProblem | undefined {
    if (place === ENVELOPE) return MALFORMED
    if (place === SESSION_ID) {
      this.#hasSessionId = true
      const text = `${this.#startTag(element)}${this.#token}</${element.name}>`
      this.#edits.push({ start: element.start, end: close.end, text })
    }
    if (place === SESSION_HEADER && !this.#hasSessionId) {
      const name = `${prefixOf(element)}sessionId`
      this.#append(element, close, `<${name}>${this.#token}</${name}>`)
    }
    if (place === HEADER && !this.#hasSessionHeader) {
      if (this.#namespace === undefined) return UNKNOWN_SERVICE
      this.#append(element, close, this.#sessionHeader(this.#namespace))
    }
    return undefined
  }

  #finishAt(bodyStart: number): readonly Edit[] | SoapProblem {
    if (this.#hasHeader) return this.#edits
    if (this.#namespace === undefined) return UNKNOWN_SERVICE
    const name = `${this.#envelopePrefix}Header`
    return [{ start: bodyStart, end: bodyStart, text: `<${name}>${this.#sessionHeader(this.#namespace)}</${name}>` }]
  }

  #sessionHeader(namespace: string): string {
    return `<SessionHeader xmlns="${namespace}"><sessionId>${this.#token}</sessionId></SessionHeader>`
  }

  /** Adds content at the end of an element, which may be of one tag. */
  #append(element: XmlTag, close: XmlTag, content: string): void {
    const edit =
      element === close
        ? { start: close.start, end: close.end, text: `${this.#startTag(element)}${content}</${element.name}>` }
        : { start: close.start, end: close.start, text: content }
    this.#edits.push(edit)
  }

  /** The element's start tag, with content to follow: neither empty nor `xsi:nil`. */
  #startTag({ start, end }: XmlTag): string {
    const tag = this.#text.slice(start, end).replace(/\s[^\s=:]*:nil\s*=\s*(?:"[^"]*"|'[^']*')/, '')
    return tag.endsWith('/>') ? `${tag.slice(0, -2)}>` : tag
  }
}

/** Where the innermost element stands, by local names; what lies deeper than any session is not told apart. */
function placeOf(open: readonly XmlTag[]): string {
  const names = open.slice(0, DEEPEST + 1).map(({ name }) => `/${name.slice(name.lastIndexOf(':') + 1)}`)
  return names.join('')
}

function prefixOf({ name }: XmlTag): string {
  return name.slice(0, name.lastIndexOf(':') + 1)
}
