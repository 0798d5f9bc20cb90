const RANGES: readonly (readonly [first: string, last: string, code: number])[] = [
  ['a', 'i', 0x81],
  ['j', 'r', 0x91],
  ['s', 'z', 0xa2],
  ['A', 'I', 0xc1],
  ['J', 'R', 0xd1],
  ['S', 'Z', 0xe2],
  ['0', '9', 0xf0],
]
const SIGNS: Readonly<Record<string, number>> = {
  ...{ ' ': 0x40, '.': 0x4b, '<': 0x4c, '-': 0x60, '/': 0x61, ',': 0x6b, '>': 0x6e, '?': 0x6f, ':': 0x7a },
  ...{ '=': 0x7e, '"': 0x7f, '{': 0xc0, '}': 0xd0 },
}

/** Code page 037 (IBM037), the EBCDIC that Java reads everywhere: no byte of it looks like what it means. */
export function ebcdic(text: string): Buffer {
  return Buffer.from(Array.from(text, byteOf))
}

function byteOf(character: string): number {
  const range = RANGES.find(([first, last]) => character >= first && character <= last)
  const byte = range ? range[2] + character.charCodeAt(0) - range[0].charCodeAt(0) : SIGNS[character]
  if (byte === undefined) throw new RangeError(`no byte for ${character}`)
  return byte
}
