/** RFC 4180 with any one-character delimiter; line ends may be LF or CRLF. Throws on a quote that is never closed. */
export function parseCsv(text: string, delimiter = ','): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let at = 0
  const source = text.replace(/^\uFEFF/, '')
  while (at < source.length) {
    const { value, end } = source.charAt(at) === '"' ? quoted(source, at) : plain(source, at, delimiter)
    row.push(value)
    at = end
    if (source.charAt(at) === delimiter) {
      at++
      // A delimiter at the very end still opens one more, empty field.
      if (at < source.length && !/[\r\n]/.test(source.charAt(at))) continue
      row.push('')
    }
    if (source.startsWith('\r\n', at)) at += 2
    else if (source.charAt(at) === '\n') at++
    else if (at < source.length) throw new Error(`text after a closing quote at offset ${at}`)
    rows.push(row)
    row = []
  }
  return rows.filter((fields) => fields.length > 1 || fields[0] !== '')
}

interface Field {
  value: string
  end: number
}

function quoted(source: string, start: number): Field {
  let value = ''
  let at = start + 1
  for (;;) {
    const quote = source.indexOf('"', at)
    if (quote < 0) throw new Error('a quoted field is never closed')
    value += source.slice(at, quote)
    if (source.charAt(quote + 1) !== '"') return { value, end: quote + 1 }
    value += '"'
    at = quote + 2
  }
}

function plain(source: string, start: number, delimiter: string): Field {
  let end = start
  while (end < source.length && source.charAt(end) !== delimiter && source.charAt(end) !== '\n') end++
  if (source.charAt(end) === '\n' && source.charAt(end - 1) === '\r' && end > start) end--
  return { value: source.slice(start, end), end }
}

/** Every field quoted, as Bulk API results are; each row ends its line. */
export function formatCsv(rows: readonly (readonly string[])[], delimiter = ',', lineEnd = '\n'): string {
  return rows.map((row) => row.map((value) => `"${value.replaceAll('"', '""')}"`).join(delimiter) + lineEnd).join('')
}
