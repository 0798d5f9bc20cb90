import { OBJECT_TYPES } from './cmdb-schema.ts'
import type { ObjectType } from './schema-types.ts'

/** The object whose key prefix the Id starts with. */
export function typeOfId(id: string): ObjectType | undefined {
  return OBJECT_TYPES.find((type) => id.startsWith(type.keyPrefix))
}
