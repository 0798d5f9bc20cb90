import { readFileSync } from 'node:fs'
import process from 'node:process'

/** How many files this process may have open (RLIMIT_NOFILE); Node has raised it to the hard limit by then. Undefined where nothing limits it. */
export function openFileLimit(): number | undefined {
  if (process.platform === 'win32') return undefined
  return limitFrom(process.platform === 'linux' ? procLimit() : reportedLimit())
}

/** Much cheaper than a report. */
function procLimit(): unknown {
  try {
    return /^Max open files +(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
  } catch {
    return reportedLimit()
  }
}

function reportedLimit(): unknown {
  // Names of the network's hosts, which it would look up, are not wanted.
  Object.assign(process.report, { excludeNetwork: true }) // not in its types
  // As Node documents it: not typed.
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } }
  return report.userLimits?.open_files?.soft
}

/** `unlimited` is no number. */
function limitFrom(value: unknown): number | undefined {
  const limit = Number(value)
  return Number.isInteger(limit) && limit > 0 ? limit : undefined
}
