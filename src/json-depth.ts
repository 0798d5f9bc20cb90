/** Deeper than any body of the API's, and far less than what exhausts the stack of a recursive reader. */
export const MAX_JSON_DEPTH = 64

/** Whether arrays and objects of this text, valid or not, are nested more than {@link MAX_JSON_DEPTH} deep. */
export function isTooDeep(json: string): boolean {
  let depth = 0
  for (let at = 0; at < json.length; at++) {
    const character = json[at]
    if (character === '"') at = endOfString(json, at) - 1
    else if (character === '{' || character === '[') {
      if (++depth > MAX_JSON_DEPTH) return true
    } else if (character === '}' || character === ']') depth--
  }
  return false
}

/** The place after the string that begins at `start`. No regular expression: strings of megabytes would exhaust its stack. */
export function endOfString(json: string, start: number): number {
  let at = start + 1
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at + 1
}
