import parsePrometheusTextFormat from 'parse-prometheus-text-format'

export interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

interface ParsedFamily {
  readonly name: string
  readonly metrics: readonly { readonly value: string; readonly labels?: Record<string, string> }[]
}

/** The series of a scrape, as a parser that others wrote reads them. */
export function seriesOf(text: string): Series[] {
  // Where it knows of histograms it merges those that differ in a label; as untyped series every line stands for itself.
  const untyped = text.replaceAll(/^# TYPE \S+ (?:histogram|summary)$/gm, '')
  // It ships no types; its README has this shape.
  const families = (parsePrometheusTextFormat as (text: string) => ParsedFamily[])(untyped)
  return families.flatMap(({ name, metrics }) =>
    metrics.map(({ value, labels = {} }) => ({ name, labels, value: Number(value) })),
  )
}
