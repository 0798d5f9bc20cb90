import { SaxesParser } from 'saxes'
import { escapedXml } from '../problem-body.ts'

/** An element with its children and its text; local names. */
export interface XmlElement {
  readonly name: string
  readonly children: readonly XmlElement[]
  readonly text: string
}

interface Building extends XmlElement {
  readonly children: Building[]
  text: string
}

const MAX_DEPTH = 32

/** Encodings in which ASCII is what it looks like; UTF-16 has been decoded when it comes here. */
const SUPERSETS = /^(?:utf-?8|utf-?16(?:[bl]e)?|us-ascii|iso-8859-\d+|windows-125\d)$/i

/**
 * A whole document, read strictly: well-formed, namespaces declared, no DOCTYPE and therefore no entity but XML's own five.
 * Undefined for anything else, and for an encoding that could make ASCII letters of other bytes (UTF-7, EBCDIC).
 */
export function parseXml(document: string): XmlElement | undefined {
  const parser = new SaxesParser({ xmlns: true })
  const root: Building = { name: '', children: [], text: '' }
  const open = [root]
  parser.on('doctype', () => parser.fail('DOCTYPE'))
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding !== undefined && !SUPERSETS.test(encoding)) parser.fail('encoding')
  })
  parser.on('opentag', ({ local }) => {
    if (open.length > MAX_DEPTH) parser.fail('too deep')
    const element: Building = { name: local, children: [], text: '' }
    open.at(-1)?.children.push(element)
    open.push(element)
  })
  parser.on('closetag', () => {
    open.pop()
  })
  const append = (text: string) => {
    const inside = open.at(-1)
    if (inside !== undefined) inside.text += text
  }
  parser.on('text', append)
  parser.on('cdata', append)
  try {
    // Clients do send a byte order mark or a line end before the declaration.
    parser.write(document.replace(/^[\uFEFF\s]+/, '')).close()
    return root.children[0]
  } catch {
    return undefined
  }
}

/** All that stands between the tags, the elements apart. */
export function textOf({ text, children }: XmlElement): string {
  return [text, ...children.map(textOf)].join(' ')
}

export function childOf(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((child) => child.name === name)
}

/**
 * The session in the Header of an envelope whose end has not come: undefined where there is none, or where it cannot be read.
 * It only ever names a caller, so a lenient reading gives nothing away: nobody finds a session that was not put there.
 */
export function sessionIn(beginning: string): string | undefined {
  const parser = new SaxesParser({ xmlns: true })
  const open: string[] = []
  let session: string | undefined
  const append = (text: string) => {
    if (open.join('/') === 'Envelope/Header/SessionHeader/sessionId') session = (session ?? '') + text
  }
  parser.on('opentag', ({ local }) => open.push(local))
  parser.on('closetag', () => open.pop())
  parser.on('text', append)
  parser.on('cdata', append)
  try {
    parser.write(beginning.replace(/^[\uFEFF\s]+/, ''))
  } catch {
    // What comes after the session is judged elsewhere.
  }
  return session?.trim()
}

/** An element with this text; null is XML Schema's nil. */
export function element(name: string, value: string | null): string {
  return value === null ? `<${name} xsi:nil="true"/>` : `<${name}>${escapedXml(value)}</${name}>`
}
