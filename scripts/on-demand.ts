import type { Plugin } from 'esbuild'

/** What few starts come to, and is large: a file each, loaded when it is asked for. By what is imported. */
export const ON_DEMAND: readonly { readonly name: string; readonly imported: RegExp; readonly contents: string }[] = [
  { name: 'emulator', imported: /\/emulator\/emulator\.ts$/, contents: "export * from './src/emulator/emulator.ts'" },
  { name: 'ioredis', imported: /^ioredis$/, contents: "export * from 'ioredis'" },
  { name: 'prom-client', imported: /^prom-client$/, contents: "export * from 'prom-client'" },
  { name: 'selfsigned', imported: /^selfsigned$/, contents: "export * from 'selfsigned'" },
  {
    name: 'typebox',
    imported: /^typebox(?:\/value)?$/,
    contents: "export { Type } from 'typebox'\nexport { Check } from 'typebox/value'",
  },
]

/** Leaves them to their own files. */
export function onDemand(): Plugin {
  return {
    name: 'on-demand',
    setup: (build) => {
      build.onResolve({ filter: /./ }, ({ path, importer }) => {
        if (importer.includes('node_modules')) return undefined
        const found = ON_DEMAND.find(({ imported }) => imported.test(path))
        return found && { path: `./${found.name}.cjs`, external: true }
      })
    },
  }
}

/** The commands that ask a running proxy, and help: little enough for a file of their own, which a health check need not wait for. */
const OF_CLIENT = new Set(['./wait.ts', './quit.ts', './status.ts', './help.ts', '../config.ts'])

/** Leaves the other commands out of that file. Whoever starts it chooses by the same rule: see `load-kept-start.ts`. */
export function clientOnly(): Plugin {
  return {
    name: 'client-only',
    setup: (build) => {
      build.onResolve({ filter: /\.ts$/ }, ({ path, importer, kind }) =>
        kind === 'dynamic-import' && /[\\/]cli[\\/]run\.ts$/.test(importer) && !OF_CLIENT.has(path)
          ? { path, namespace: 'elsewhere' }
          : undefined,
      )
      build.onLoad({ filter: /./, namespace: 'elsewhere' }, ({ path }) => ({
        contents: `throw new Error(${JSON.stringify(`${path} is in the other file`)})`,
      }))
    },
  }
}
