import { parser } from '@prometheus-io/lezer-promql'

export interface Selector {
  readonly metric: string
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[]
}

/** What an expression asks for. Throws where it is no PromQL. Variables of Grafana are taken for what they stand for. */
export function readExpression(expression: string): { selectors: Selector[]; groupedBy: string[] } {
  const text = expression.replaceAll('$__rate_interval', '5m').replaceAll(/\$(?:job|instance)\b/g, '.*')
  const selectors: { metric: string; matchers: { label: string; operator: string; value: string }[] }[] = []
  const groupedBy: string[] = []
  parser.parse(text).iterate({
    enter({ name, from, to, node, type }) {
      if (type.isError) throw new Error(`no PromQL at ${from}: ${text}`)
      const part = text.slice(from, to)
      if (name === 'VectorSelector') selectors.push({ metric: part.replace(/\{.*/s, ''), matchers: [] })
      if (name === 'UnquotedLabelMatcher') {
        const [, label = '', operator = '', value = ''] = /^(\w+)\s*(=~|!~|!=|=)\s*"(.*)"$/.exec(part) ?? []
        selectors.at(-1)?.matchers.push({ label, operator, value })
      }
      if (name === 'LabelName' && node.parent?.name === 'GroupingLabels') groupedBy.push(part)
    },
  })
  return { selectors, groupedBy }
}

/** Whether a series with these labels is selected; labels that Prometheus adds to what it scrapes are not looked at. */
export function selects({ matchers }: Selector, labels: Readonly<Record<string, string>>): boolean {
  return matchers.every(({ label, operator, value }) => {
    if (TARGET_LABELS.has(label)) return true
    const actual = labels[label] ?? ''
    const isSame = operator.endsWith('~') ? new RegExp(`^(?:${value})$`).test(actual) : actual === value
    return operator.startsWith('!') ? !isSame : isSame
  })
}

export const TARGET_LABELS: ReadonlySet<string> = new Set(['job', 'instance'])
