import { startEmulator, type Emulator, type EmulatorOptions } from '../../src/emulator/emulator.ts'
import { startStack, type RunningApp, type StackOptions } from './stack.ts'

export interface DemoOrg extends AsyncDisposable {
  readonly emulator: Emulator
  readonly app: RunningApp
}

/** The proxy in front of an embedded org. */
export async function startDemoOrg(org: EmulatorOptions = {}, options: StackOptions = {}): Promise<DemoOrg> {
  const emulator = await startEmulator(org)
  const app = await startStack(emulator, options)
  return {
    emulator,
    app,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await emulator.close()
    },
  }
}
