import { globSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadSettings } from '../../src/config.ts'
import { SETTINGS } from '../../src/config/schema.ts'
import {
  FOLDER,
  manifestsIn,
  podOf,
  read,
  restrictedProblems,
  settingsIn,
  validate,
  validatePatch,
} from '../support/manifests.ts'

const PATCHES = ['sidecar/pod.yaml', 'sidecar/cron-job.yaml', 'classic-sidecar/pod.yaml']
const FILES = globSync('**/*.yaml', { cwd: FOLDER }).filter((path) => !path.endsWith('kustomization.yaml'))
const RESOURCES = FILES.filter((path) => !PATCHES.includes(path))
const ENVIRONMENTS = globSync('**/*.env', { cwd: FOLDER })

test.each(RESOURCES)('%s is what the published schema says', (path) => {
  const manifests = manifestsIn(read(path))
  expect(manifests.length).toBeGreaterThan(0)
  for (const manifest of manifests) validate(manifest)
})

test('the schemas are looked at: a field that is missing, or of the wrong type, is found', () => {
  const [deployment] = manifestsIn(read('gateway/deployment.yaml'))
  const [service] = manifestsIn(read('gateway/service.yaml'))
  if (deployment === undefined || service === undefined) throw new Error('nothing to look at')
  expect(() => {
    validate({ ...deployment, spec: { ...deployment.spec, selector: undefined } })
  }).toThrow()
  expect(() => {
    validate({ ...service, spec: { ...service.spec, ports: [{ port: 'eighty' }] } })
  }).toThrow()
})

test.each(PATCHES)('%s makes a pod what the published schema says', (path) => {
  for (const manifest of manifestsIn(read(path))) {
    const pod = podOf(manifest)
    if (pod === undefined) throw new Error('no pod')
    validatePatch(pod)
    expect(restrictedProblems(pod)).toEqual([])
  }
})

test.each(ENVIRONMENTS)('%s holds settings that the proxy accepts', (path) => {
  const settings = settingsIn(path)
  expect([...SETTINGS.keys()]).toEqual(expect.arrayContaining(Object.keys(settings)))
  const loaded = loadSettings({ argv: [], env: settings, cwd: undefined, readFile: () => 'a-secret' })
  expect(loaded.CLOUDAWARE_URL).toBe('https://acme.my.salesforce.com')
})

test('the patch of CronJobs adds to their pods what that of Jobs adds', () => {
  const [job, cronJob] = ['sidecar/pod.yaml', 'sidecar/cron-job.yaml'].map((path) => manifestsIn(read(path)).map(podOf))
  expect(cronJob).toEqual(job)
})

test('the gateway has the time to drain, and no other pod of it is taken away meanwhile', () => {
  const [deployment] = manifestsIn(read('gateway/deployment.yaml'))
  const { DRAIN_DELAY_MS, DRAIN_TIMEOUT_MS } = settingsIn('gateway/cloudaware-proxy.env')
  const { terminationGracePeriodSeconds } = deployment === undefined ? {} : (podOf(deployment) ?? {})
  expect(Number(terminationGracePeriodSeconds) * 1000).toBeGreaterThan(
    Number(DRAIN_DELAY_MS) + Number(DRAIN_TIMEOUT_MS),
  )
  const [budget] = manifestsIn(read('gateway/disruption-budget.yaml'))
  const [autoscaler] = manifestsIn(read('gateway/autoscaler.yaml'))
  expect(Number(autoscaler?.spec?.minReplicas)).toBeGreaterThan(Number(budget?.spec?.minAvailable))
})
