import { writeFile } from 'node:fs/promises'
import type * as Parser from '@actions/workflow-parser'
import { build } from 'esbuild'
import { temporaryDirectory } from './temporary-directory.ts'

/** GitHub's parser imports its schema as plain JSON, which Node itself refuses: bundled, it is a part of it. */
async function loadParser() {
  await using folder = await temporaryDirectory()
  const { outputFiles } = await build({
    stdin: { contents: `export * from '@actions/workflow-parser'`, resolveDir: import.meta.dirname },
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
  })
  const file = folder.file('parser.mjs')
  await writeFile(file, outputFiles[0]?.contents ?? '')
  // The bundle exports what the package does.
  return (await import(file)) as typeof Parser
}

const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } = await loadParser()

/** What GitHub's own parser has to say of a workflow: keys, types, expressions and their contexts. */
export async function workflowProblems(name: string, content: string): Promise<string[]> {
  const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter())
  if (value !== undefined) await convertWorkflowTemplate(context, value)
  return context.errors.getErrors().map(({ message }) => message)
}
