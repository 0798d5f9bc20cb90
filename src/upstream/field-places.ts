import { FieldNames, type FieldName } from './field-names.ts'

/** A field as it stands in a list. Of nobody's: it may change with the next list that is read. */
export interface PlacedField<Fate> {
  readonly known: FieldName<Fate>
  /** latin1, as it came. */
  readonly value: string
  readonly isValid: boolean
}

type RawText = Buffer | string | undefined

interface PlaceOptions<Fate> {
  /** See {@link FieldNames}. */
  readonly judge: (name: string) => Fate
  readonly isValid: (value: string) => boolean
  /** Whether fields of this name are credentials, which are not remembered. */
  readonly isSecret: (name: string) => boolean
}

/** Nobody fills the memory: longer lists and longer values are read anew each time. */
const MAX_PLACES = 64
const MAX_LENGTH = 256

/**
 * Reads lists of fields of which one is much like the next: what is spelt as it was at the same place of the list before is neither
 * decoded nor judged again, and is the same string as then, so that who keeps many lists keeps few strings. Every byte is compared.
 */
export class FieldPlaces<Fate> {
  readonly #names: FieldNames<Fate>
  readonly #options: PlaceOptions<Fate>
  readonly #places: PlacedField<Fate>[] = []
  /** Of credentials the name alone. */
  readonly #namesAt: FieldName<Fate>[] = []

  constructor(options: PlaceOptions<Fate>) {
    this.#names = new FieldNames(options.judge)
    this.#options = options
  }

  /** The field at this place of a list: Node's strings, or undici's Buffers. */
  at(place: number, field: RawText, value: RawText): PlacedField<Fate> {
    const known = this.#nameAt(place, field)
    const before = this.#places[place]
    if (before?.known === known && isSpelt(value, before.value)) return before
    const text = latin1(value)
    const read = { known, value: text, isValid: this.#options.isValid(text) }
    const isShort = text.length <= MAX_LENGTH && known.field.length <= MAX_LENGTH
    if (isShort && place < MAX_PLACES && !this.#options.isSecret(known.name)) this.#places[place] = read
    return read
  }

  #nameAt(place: number, field: RawText): FieldName<Fate> {
    const before = this.#namesAt[place]
    if (before !== undefined && isSpelt(field, before.field)) return before
    const known = this.#names.of(latin1(field))
    if (place < MAX_PLACES && known.field.length <= MAX_LENGTH) this.#namesAt[place] = known
    return known
  }
}

/** latin1: a byte is a character. */
function isSpelt(text: RawText, expected: string): boolean {
  if (text?.length !== expected.length) return false
  if (typeof text === 'string') return text === expected
  for (let at = 0; at < expected.length; at++) if (text[at] !== expected.charCodeAt(at)) return false
  return true
}

/** Of undici's raw lists, which hold bytes. */
export function latin1(text: RawText): string {
  return typeof text === 'object' ? text.toString('latin1') : String(text)
}
