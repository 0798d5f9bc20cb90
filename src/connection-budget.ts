/** Connections beyond the limit that are let in for their request to be answered with 503. */
export const REFUSED_CONNECTIONS = 32
/** Of the admin listener: probes, a scraper, a few open pages. */
export const ADMIN_CONNECTIONS = 64
/** Log, certificates, watched files, listeners, the token endpoint and store, the runtime: some 30 at rest. */
const OWN_FILES = 64
/** However low the limit on open files is. */
const LEAST_CONNECTIONS = 8

export interface ConnectionBudgetOptions {
  /** PROXY_MAX_CONNECTIONS. */
  readonly wanted: number
  /** How many files the process may have open; undefined where there is no such limit. */
  readonly openFiles: number | undefined
  readonly upstreamConnections: number
}

/**
 * How many connections callers may have open, so that the process never runs out of file descriptors: the kernel would then reset callers
 * without a word. Each is a file, and so is each to Cloudaware; no more of these are open at a time than callers have requests.
 */
export function connectionBudget({ wanted, openFiles, upstreamConnections }: ConnectionBudgetOptions): number {
  if (openFiles === undefined) return wanted
  const room = openFiles - OWN_FILES - ADMIN_CONNECTIONS - REFUSED_CONNECTIONS
  const forUpstream = Math.min(upstreamConnections, Math.floor(room / 2))
  return Math.min(wanted, Math.max(room - forUpstream, LEAST_CONNECTIONS))
}
