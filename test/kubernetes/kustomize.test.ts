import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import {
  FOLDER,
  manifestsIn,
  podOf,
  podsOf,
  restrictedProblems,
  validate,
  type Manifest,
} from '../support/manifests.ts'

function kustomize(folder: string): Manifest[] {
  return manifestsIn(execFileSync('kubectl', ['kustomize', resolve(FOLDER, folder)], { encoding: 'utf8' }))
}

const proxyIn = (manifests: readonly Manifest[]) => {
  const [pod] = podsOf(manifests)
  const all = [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])]
  return all.find(({ name }) => name === 'cloudaware-proxy')
}

test.each(['gateway', 'examples/native-job', 'examples/classic-job'])('%s is built, valid and restricted', (folder) => {
  const manifests = kustomize(folder)
  for (const manifest of manifests) {
    validate(manifest)
    expect(restrictedProblems(podOf(manifest) ?? {})).toEqual([])
  }
  const [config] = manifests.filter(({ kind }) => kind === 'ConfigMap')
  expect(proxyIn(manifests)).toMatchObject({
    image: expect.stringMatching(/^cloudaware-proxy:\d/) as unknown,
    // The generated name: a changed setting makes new pods.
    envFrom: [{ configMapRef: { name: config?.metadata.name } }],
    // A whole folder, so that a new secret arrives.
    volumeMounts: [{ name: 'cloudaware-secret', mountPath: '/var/run/secrets/cloudaware', readOnly: true }],
  })
  expect(config?.metadata.name).toMatch(/^cloudaware-proxy-\w+$/)
})

test('the native sidecar is an init container that runs on, and holds the job up until it is ready', () => {
  const [job] = kustomize('examples/native-job').filter(({ kind }) => kind === 'Job')
  const pod = job === undefined ? undefined : podOf(job)
  expect(pod?.initContainers).toEqual([
    expect.objectContaining({
      name: 'cloudaware-proxy',
      restartPolicy: 'Always',
      startupProbe: expect.objectContaining({
        exec: { command: ['cloudaware-proxy', 'wait', '--max', '2s'] },
      }) as unknown,
    }),
  ])
  expect(pod?.containers?.map(({ name }) => name)).toEqual(['main'])
})

test('the classic sidecar may be quit, which the job does', () => {
  const manifests = kustomize('examples/classic-job')
  expect(proxyIn(manifests)?.env).toEqual([{ name: 'ADMIN_ALLOW_QUIT', value: 'true' }])
  const [pod] = podsOf(manifests)
  expect(pod?.containers?.map(({ name }) => name).sort()).toEqual(['cloudaware-proxy', 'main'])
  expect(JSON.stringify(pod)).toContain('/quitquitquit')
})

test('all of the gateway is in its namespace, which enforces the restricted standard', () => {
  const manifests = kustomize('gateway')
  const [namespace] = manifests.filter(({ kind }) => kind === 'Namespace')
  expect(namespace?.metadata).toMatchObject({
    name: 'cloudaware',
    labels: { 'pod-security.kubernetes.io/enforce': 'restricted' },
  })
  const others = manifests.filter(({ kind }) => kind !== 'Namespace')
  expect(others.map(({ kind }) => kind).sort()).toEqual([
    'ConfigMap',
    'Deployment',
    'HorizontalPodAutoscaler',
    'NetworkPolicy',
    'PodDisruptionBudget',
    'Service',
  ])
  for (const { metadata } of others) expect(metadata.namespace).toBe('cloudaware')
})
