import { SaxesParser } from 'saxes'
import { ApiError } from './api-error.ts'

/** An element by its local names; namespaces are checked while parsing and then of no further use. */
export interface XmlElement {
  readonly name: string
  /** By local name: `nil` for `xsi:nil`. */
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly XmlElement[]
  /** All character data directly inside, references and CDATA resolved. */
  readonly text: string
}

interface Building extends XmlElement {
  children: XmlElement[]
  text: string
}

const MAX_DEPTH = 64
/** Two hundred records with some hundred fields each fit. */
const MAX_ELEMENTS = 50_000

/** The root element. Throws the ApiError that a malformed document, or one with a DOCTYPE, gets. */
export function parseXml(document: string): XmlElement {
  const parser = new SaxesParser({ xmlns: true })
  const open: Building[] = []
  let root: XmlElement | undefined
  parser.on('doctype', () => {
    throw new ApiError(400, 'UNKNOWN_EXCEPTION', 'DOCTYPE is not allowed')
  })
  let elements = 0
  parser.on('opentag', ({ local, attributes }) => {
    if (open.length >= MAX_DEPTH) parser.fail(`more than ${MAX_DEPTH} elements inside each other`)
    if (++elements > MAX_ELEMENTS) parser.fail(`more than ${MAX_ELEMENTS} elements`)
    const own = Object.values(attributes).map(({ local: name, value }) => [name, value] as const)
    const element: Building = { name: local, attributes: Object.fromEntries(own), children: [], text: '' }
    open.at(-1)?.children.push(element)
    root ??= element
    open.push(element)
  })
  const append = (text: string) => {
    const inside = open.at(-1)
    if (inside !== undefined) inside.text += text
  }
  parser.on('text', append)
  parser.on('cdata', append)
  parser.on('closetag', () => open.pop())
  try {
    // Salesforce forgives what stands before the declaration: clients do send a byte order mark or a line end.
    parser.write(document.replace(/^[\uFEFF\s]+/, '')).close()
  } catch (cause) {
    if (cause instanceof ApiError) throw cause
    throw new ApiError(400, 'UNKNOWN_EXCEPTION', cause instanceof Error ? cause.message : 'malformed XML')
  }
  if (root === undefined) throw new ApiError(400, 'UNKNOWN_EXCEPTION', 'The document is empty')
  return root
}

export function childOf(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((child) => child.name === name)
}

/** The text of a child, trimmed; undefined where there is none, or where it is nil. */
export function textOf(element: XmlElement | undefined, name: string): string | undefined {
  const child = childOf(element, name)
  return child === undefined || isNil(child) ? undefined : child.text.trim()
}

export const textsOf = (element: XmlElement, name: string) =>
  element.children.filter((child) => child.name === name).map((child) => child.text.trim())

export const isNil = ({ attributes }: XmlElement) => attributes.nil === 'true' || attributes.nil === '1'

/**
 * Writes a value as an element: an object's properties become children, those with `@` attributes; an array repeats the element;
 * null is `xsi:nil`, undefined is left out.
 */
export function toXml(name: string, value: unknown): string {
  if (value === undefined) return ''
  if (value === null) return `<${name} xsi:nil="true"/>`
  if (Array.isArray(value)) return value.map((item) => toXml(name, item)).join('')
  if (typeof value !== 'object') return `<${name}>${escaped(scalar(value))}</${name}>`
  const entries = Object.entries(value)
  const attributes = entries
    .filter(([key]) => key.startsWith('@'))
    .map(([key, content]) => ` ${key.slice(1)}="${escaped(String(content))}"`)
  const children = entries.filter(([key]) => !key.startsWith('@')).map(([key, content]) => toXml(key, content))
  const content = children.join('')
  return content === '' ? `<${name}${attributes.join('')}/>` : `<${name}${attributes.join('')}>${content}</${name}>`
}

/** Numbers, booleans and text; nothing else is ever told. */
function scalar(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#xD;',
}

/** XML 1.0 has no form at all for most control characters: they are left out. */
function escaped(text: string): string {
  return text
    .replace(/[\0-\x08\v\f\x0e-\x1f\ufffe\uffff]/g, '')
    .replace(/[&<>"\r]/g, (found) => REFERENCES[found] ?? '')
}
