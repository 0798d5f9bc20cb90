/** A field's name, and what is to become of its field. */
export interface FieldName<Fate> {
  /** As it was spelt: the same string each time, so that what keeps a list keeps no copies. */
  readonly field: string
  /** In lower case. */
  readonly name: string
  readonly fate: Fate
}

/** Nobody who invents names fills the memory: what does not fit is judged anew each time. */
const MAX_NAMES = 512
const MAX_LENGTH = 64

/** Judges each name once. `judge` gets it in lower case and goes by nothing else, so that what is remembered cannot be wrong. */
export class FieldNames<Fate> {
  readonly #judge: (name: string) => Fate
  readonly #known = new Map<string, FieldName<Fate>>()

  constructor(judge: (name: string) => Fate) {
    this.#judge = judge
  }

  of(field: string): FieldName<Fate> {
    const known = this.#known.get(field)
    if (known !== undefined) return known
    const name = field.toLowerCase()
    const judged = { field, name, fate: this.#judge(name) }
    if (this.#known.size < MAX_NAMES && field.length <= MAX_LENGTH) this.#known.set(field, judged)
    return judged
  }
}
