/**
 * For `node --import`: writes the URL of each module that the process loads into the file that LOADED_MODULES names, a line each,
 * and at its end what it has loaded of Node's own.
 */
import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import process from 'node:process'

const file = process.env.LOADED_MODULES ?? ''

registerHooks({
  load(url, context, nextLoad) {
    appendFileSync(file, `${url}\n`)
    return nextLoad(url, context)
  },
})

process.on('exit', () => {
  // Node's own list of its internal modules, which its types do not know.
  const { moduleLoadList } = process as unknown as { moduleLoadList: readonly string[] }
  appendFileSync(file, moduleLoadList.join('\n'))
})
