const CHECKSUM = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const [UPPER_A, UPPER_Z] = [65, 90]

/** The 18-character form of a 15-character record Id: each of the three letters added is the upper-case mask of five characters. */
export function toId18(id15: string): string {
  let suffix = ''
  for (let block = 0; block < 15; block += 5) {
    let mask = 0
    for (let bit = 0; bit < 5; bit++) {
      const code = id15.charCodeAt(block + bit)
      if (code >= UPPER_A && code <= UPPER_Z) mask |= 1 << bit
    }
    suffix += CHECKSUM.charAt(mask)
  }
  return id15 + suffix
}

/** The 18-character form of whatever a client sent, or undefined where it cannot be a record Id. */
export function normaliseId(id: string): string | undefined {
  if (!/^[0-9a-zA-Z]{15}(?:[0-9a-zA-Z]{3})?$/.test(id)) return undefined
  return toId18(id.slice(0, 15))
}

/** The Id of record number `index` of the object with this key prefix, in the instance `5f`. */
export function recordId(keyPrefix: string, index: number): string {
  let digits = ''
  for (let rest = index; digits.length < 9; rest = Math.floor(rest / 62)) digits = DIGITS.charAt(rest % 62) + digits
  return toId18(`${keyPrefix}5f0${digits}`)
}
