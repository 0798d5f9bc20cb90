import { createHash } from 'node:crypto'
import type { Org } from '../org.ts'
import type { Change } from '../record-store.ts'

/** Tells the subscribers of `/data/ChangeEvents`, and those of the object's own channel, what became of a record. */
export function publishChange({ state, streaming }: Org, { type, row, kind }: Change): void {
  const schema = createHash('md5').update(type.name).digest('base64url')
  const now = state.clock.now()
  const ChangeEventHeader = {
    entityName: type.name,
    recordIds: [row.Id],
    changeType: kind,
    changeOrigin: 'com/salesforce/api/rest',
    transactionKey: createHash('md5')
      .update(`${String(row.Id)} ${now}`)
      .digest('hex'),
    sequenceNumber: 1,
    commitTimestamp: now,
    commitUser: state.userId,
  }
  const fields = kind === 'DELETE' ? {} : { Name: row.Name, LastModifiedDate: row.LastModifiedDate }
  const data = { schema, payload: { ChangeEventHeader, ...fields } }
  streaming.publish('/data/ChangeEvents', data)
  streaming.publish(`/data/${type.name.replace(/__c$/, '__')}ChangeEvent`, data)
}
