import { ApiError } from '../api-error.ts'
import { isObject } from '../call.ts'
import { objectType } from '../cmdb-schema.ts'
import { describeGlobal, describeObject } from '../describe.ts'
import type { Org } from '../org.ts'
import { textOf, textsOf } from '../xml.ts'
import type { SoapRequest } from './soap-message.ts'

const MOST_OBJECTS = 100

export function describeSoapGlobal(_org: Org, { version }: SoapRequest): object[] {
  return [inSoap(describeGlobal(`/services/data/v${version}`), '')]
}

export function describeSObject(_org: Org, request: SoapRequest): object[] {
  return [described(request, textOf(request.operation, 'sObjectType') ?? '')]
}

export function describeSObjects(_org: Org, request: SoapRequest): object[] {
  const names = textsOf(request.operation, 'sObjectType')
  if (names.length > MOST_OBJECTS) {
    throw new ApiError(500, 'EXCEEDED_ID_LIMIT', `cannot describe more than ${MOST_OBJECTS} objects`)
  }
  return names.map((name) => described(request, name))
}

function described({ origin, version }: SoapRequest, name: string): object {
  const type = objectType(name)
  if (type === undefined) throw new ApiError(500, 'INVALID_TYPE', `sObject type '${name}' is not supported.`)
  return inSoap(describeObject(type, `/services/data/v${version}`, origin), origin)
}

/** SOAP describes the same facts as REST, with its own addresses; empty and absent are one there. */
function inSoap(description: object, origin: string): object {
  const { urls, ...facts } = description as Record<string, unknown> // an object literal of ours
  const shown = Object.entries(facts)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => [name, Array.isArray(value) ? value.map(entry) : value] as const)
  const addresses = isObject(urls)
    ? { urlDetail: urls.uiDetailTemplate, urlEdit: urls.uiEditTemplate, urlNew: urls.uiNewRecord }
    : {}
  return { ...Object.fromEntries(shown), ...(origin === '' ? {} : addresses) }
}

function entry(value: unknown): unknown {
  return isObject(value) ? inSoap(value, '') : value
}
