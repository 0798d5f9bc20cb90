import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { Deployment } from 'kubernetes-models/apps/v1'
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2'
import { CronJob, Job } from 'kubernetes-models/batch/v1'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1'
import { ConfigMap, Namespace, Pod, Service } from 'kubernetes-models/v1'
import { parseAllDocuments } from 'yaml'

export const FOLDER = resolve(import.meta.dirname, '../../deploy/kubernetes')

export interface Container {
  readonly name: string
  readonly restartPolicy?: string
  readonly env?: readonly { readonly name: string; readonly value: string }[]
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly volumeMounts?: readonly { readonly name: string; readonly subPath?: string }[]
  readonly [field: string]: unknown
}

export interface PodSpec {
  readonly containers?: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly volumes?: readonly Readonly<Record<string, unknown>>[]
  readonly [field: string]: unknown
}

export interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly [field: string]: unknown }
  readonly data?: Readonly<Record<string, string>>
  /** ConfigMaps and Namespaces have none. */
  readonly spec?: {
    readonly template?: { readonly spec: PodSpec }
    readonly jobTemplate?: { readonly spec: { readonly template: { readonly spec: PodSpec } } }
    readonly [field: string]: unknown
  }
}

const MODELS = {
  ConfigMap,
  CronJob,
  Deployment,
  HorizontalPodAutoscaler,
  Job,
  Namespace,
  NetworkPolicy,
  PodDisruptionBudget,
  Service,
}

/** Throws where the manifest is not what Kubernetes' published schema says. */
export function validate(manifest: Manifest): void {
  const Model = MODELS[manifest.kind as keyof typeof MODELS] as (new (data: never) => { validate(): void }) | undefined
  if (Model === undefined) throw new Error(`no schema of ${manifest.kind} is looked at`)
  new Model(manifest as never).validate()
}

/** A patch holds a part of a pod: it is completed with what it leaves to the pod that it is merged into. */
export function validatePatch(spec: PodSpec): void {
  const containers = spec.containers ?? [{ name: 'main', image: 'main' }]
  new Pod({ metadata: { name: 'patched' }, spec: { ...spec, containers } } as never).validate()
}

/** The manifests of a file, or of what kubectl printed. */
export function manifestsIn(text: string): Manifest[] {
  // What they hold is then checked against the schemas.
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest)
}

export function read(path: string): string {
  return readFileSync(resolve(FOLDER, path), 'utf8')
}

/** The settings of an .env file, as a ConfigMap is made of it. */
export function settingsIn(path: string): Record<string, string> {
  return Object.fromEntries(Object.entries(parseEnv(read(path))).map(([name, value]) => [name, String(value)]))
}

export function podOf({ spec }: Manifest): PodSpec | undefined {
  return spec?.template?.spec ?? spec?.jobTemplate?.spec.template.spec
}

export function podsOf(manifests: readonly Manifest[]): PodSpec[] {
  return manifests.map(podOf).filter((pod) => pod !== undefined)
}

/** What the restricted Pod Security Standard asks and a pod does not do. */
export function restrictedProblems(pod: PodSpec): string[] {
  const all = [...(pod.containers ?? []), ...(pod.initContainers ?? [])]
  return all.flatMap((container) => {
    const context = { ...pod.securityContext, ...container.securityContext }
    const problems: (string | true)[] = [
      context.runAsNonRoot === true || 'runAsNonRoot',
      context.runAsUser !== 0 || 'runAsUser',
      context.allowPrivilegeEscalation === false || 'allowPrivilegeEscalation',
      JSON.stringify(context.capabilities) === '{"drop":["ALL"]}' || 'capabilities',
      JSON.stringify(context.seccompProfile) === '{"type":"RuntimeDefault"}' || 'seccompProfile',
      // Not of the standard, but of ours.
      context.readOnlyRootFilesystem === true || 'readOnlyRootFilesystem',
    ]
    return problems.filter((problem) => problem !== true).map((problem) => `${container.name}: ${problem}`)
  })
}
