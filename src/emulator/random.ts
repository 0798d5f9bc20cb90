/** Numbers that follow from a seed: the same org on every machine. Mulberry32, which is enough for believable data. */
export class Random {
  #state: number

  constructor(seed: string) {
    let hash = 2_166_136_261
    for (const character of seed) hash = Math.imul(hash ^ character.charCodeAt(0), 16_777_619)
    this.#state = hash
  }

  /** From 0 up to, not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  pick<const T extends readonly [unknown, ...unknown[]]>(from: T): T[number] {
    return from[this.below(from.length)]
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  hex(length: number): string {
    return this.#text(length, () => this.below(0x1_0000_0000).toString(16).padStart(8, '0'))
  }

  digits(length: number): string {
    return this.#text(length, () => this.below(1e9).toString().padStart(9, '0'))
  }

  #text(length: number, piece: () => string): string {
    let text = ''
    while (text.length < length) text += piece()
    return text.slice(0, length)
  }
}
