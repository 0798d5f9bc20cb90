import { styleText } from 'node:util'
import type { Diagnosis } from '../token/diagnosis.ts'
import type { Cli } from './cli.ts'

const WIDTH = 88

export type Style = 'green' | 'red' | 'yellow' | 'dim' | 'bold'
export type Paint = (style: Style, text: string) => string

/** Colours on a terminal, unless https://no-color.org is heeded. */
export function painter({ isTTY, env }: Pick<Cli, 'isTTY' | 'env'>): Paint {
  const isPlain = !isTTY || (env.NO_COLOR ?? '') !== '' || env.TERM === 'dumb'
  return (style, text) => (isPlain ? text : styleText(style, text, { validateStream: false }))
}

export interface Row {
  readonly label: string
  readonly text: string
}

/** `label  text`, the text wrapped beside its label; `indent` and `labelWidth` in columns. Ends with a newline. */
export function rowText({ label, text }: Row, { indent, labelWidth }: { indent: number; labelWidth: number }): string {
  const hanging = ' '.repeat(indent + labelWidth + 2)
  const [first = '', ...others] = wrap(text, WIDTH - hanging.length)
  const lines = [`${' '.repeat(indent)}${label.padEnd(labelWidth)}  ${first}`, ...others.map((line) => hanging + line)]
  return `${lines.join('\n')}\n`
}

/** What to do about a failure, and where it shows: one row each. */
export function diagnosisRows({ fix, externalClientApp, loginHistory }: Diagnosis): Row[] {
  return [
    { label: 'To do', text: fix },
    // Where both kinds of app are mended alike, once is enough.
    ...(externalClientApp === 'the same' ? [] : [{ label: 'External Client App', text: externalClientApp }]),
    { label: 'Login History', text: loginHistory },
  ]
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}
