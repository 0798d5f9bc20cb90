import { expect, test } from 'vitest'
import { sharedStateDirectory, stateDirectory } from '../../src/cli/state-directory.ts'

test.each([
  [{ STATE_DIRECTORY: '/own:/shared' }, '/own', '/shared'],
  [{ STATE_DIRECTORY: '/own' }, '/own', '/own'],
  [{ STATE_DIRECTORY: 'relative', XDG_STATE_HOME: '/state' }, '/state/cloudaware-proxy', '/state/cloudaware-proxy'],
  [{ XDG_STATE_HOME: 'relative', HOME: '/h' }, '/h/.local/state/cloudaware-proxy', '/h/.local/state/cloudaware-proxy'],
])('of %o: an own directory, and one that instances share', (env, own, shared) => {
  expect([stateDirectory({ env }), sharedStateDirectory({ env })]).toEqual([own, shared])
})
