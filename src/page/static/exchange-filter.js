/** @import { ExchangeSummary } from '../../inspector/wire.ts' */

/**
 * @typedef {'all' | 'failed' | 'changes' | 'again'} Kind
 * @typedef {{ words: readonly string[], kind: Kind }} Filter
 */

const READS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * @param {ExchangeSummary} exchange
 * @param {Filter} filter
 */
export function matches(exchange, { words, kind }) {
  const { method, status, problem, isBrokenOff, isResent, replayOf } = exchange
  const hasFailed = isBrokenOff || status === null || status >= 400
  if (kind === 'failed' && !hasFailed) return false
  if (kind === 'changes' && READS.has(method)) return false
  if (kind === 'again' && !isResent && replayOf === null) return false
  if (words.length === 0) return true
  const text = [
    ...[
      method,
      exchange.target,
      status ?? 'none',
      exchange.family,
      exchange.caller ?? '',
      exchange.id,
      problem?.code ?? '',
    ],
    ...[isResent ? 'resent' : '', replayOf === null ? '' : 'replay', isBrokenOff ? 'broken' : ''],
  ]
    .join(' ')
    .toLowerCase()
  return words.every((word) =>
    word.startsWith('-') && word.length > 1 ? !text.includes(word.slice(1)) : text.includes(word),
  )
}
