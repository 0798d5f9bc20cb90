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

/** Why a document is not read: the end of a sentence about it, without input. */
export interface XmlProblem {
  readonly problem: string
}

const MAX_DEPTH = 32
/** What is read here says which records are meant, at most 200, or who logs in. */
const MAX_ELEMENTS = 10_000
const MAX_ATTRIBUTES = 256

const TOO_DEEP: XmlProblem = { problem: `it nests elements more than ${MAX_DEPTH} levels deep` }
const TOO_MANY_ELEMENTS: XmlProblem = { problem: `it has more than ${MAX_ELEMENTS.toLocaleString('en-US')} elements` }
const TOO_MANY_ATTRIBUTES: XmlProblem = { problem: `an element of it has more than ${MAX_ATTRIBUTES} attributes` }
const MALFORMED: XmlProblem = { problem: 'it is no well-formed XML' }

/** Encodings in which ASCII is what it looks like; UTF-16 has been decoded when it comes here. */
const SUPERSETS = /^(?:utf-?8|utf-?16(?:[bl]e)?|us-ascii|iso-8859-\d+|windows-125\d)$/i

/**
 * A whole document, read strictly: well-formed, namespaces declared, no DOCTYPE and therefore no entity but XML's own five.
 * A problem for anything else, for an encoding that could make ASCII letters of other bytes (UTF-7, EBCDIC), and beyond the limits.
 */
export function parseXml(document: string): XmlElement | XmlProblem {
  const parser = new SaxesParser({ xmlns: true })
  const root: Building = { name: '', children: [], text: '' }
  const open = [root]
  let elements = 0
  let problem = MALFORMED
  const refuse = (why: XmlProblem) => {
    problem = why
    parser.fail(why.problem)
  }
  parser.on('doctype', () => parser.fail('DOCTYPE'))
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding !== undefined && !SUPERSETS.test(encoding)) parser.fail('encoding')
  })
  parser.on('opentag', ({ local, attributes }) => {
    if (open.length > MAX_DEPTH) refuse(TOO_DEEP)
    if (++elements > MAX_ELEMENTS) refuse(TOO_MANY_ELEMENTS)
    if (Object.keys(attributes).length > MAX_ATTRIBUTES) refuse(TOO_MANY_ATTRIBUTES)
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
    return root.children[0] ?? problem
  } catch {
    return problem
  }
}

/** All that stands between the tags, the elements apart. */
export function textOf(element: XmlElement): string {
  const texts: string[] = []
  const collect = ({ text, children }: XmlElement) => {
    texts.push(text)
    children.forEach(collect)
  }
  collect(element)
  return texts.join(' ')
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
  let depth = 0
  /** How many of the elements that are open lead to the session. */
  let found = 0
  let session: string | undefined
  const append = (text: string) => {
    if (depth === SESSION_PATH.length && found === depth) session = (session ?? '') + text
  }
  parser.on('opentag', ({ local }) => {
    // saxes looks for a namespace in all elements that are open.
    if (depth === MAX_DEPTH) parser.fail(TOO_DEEP.problem)
    if (found === depth && local === SESSION_PATH[depth]) found++
    depth++
  })
  parser.on('closetag', () => {
    depth--
    found = Math.min(found, depth)
  })
  parser.on('text', append)
  parser.on('cdata', append)
  try {
    parser.write(beginning.replace(/^[\uFEFF\s]+/, ''))
  } catch {
    // What comes after the session is judged elsewhere.
  }
  return session?.trim()
}

const SESSION_PATH = ['Envelope', 'Header', 'SessionHeader', 'sessionId']

/** An element with this text; null is XML Schema's nil. */
export function element(name: string, value: string | null): string {
  return value === null ? `<${name} xsi:nil="true"/>` : `<${name}>${escapedXml(value)}</${name}>`
}
