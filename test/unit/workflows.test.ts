import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import manifest from '../../package.json' with { type: 'json' }
import { workflowProblems } from '../support/workflow-problems.ts'

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}
interface Job {
  readonly 'timeout-minutes'?: number
  readonly permissions?: Readonly<Record<string, string>>
  readonly steps: readonly Step[]
}
interface Workflow {
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}

const FOLDER = new URL('../../.github/workflows/', import.meta.url)
const text = (name: string) => readFileSync(new URL(name, FOLDER), 'utf8')
// The form that GitHub documents; a workflow that has another fails below.
const workflow = (name: string) => parse(text(name)) as Workflow
const NAMES = readdirSync(FOLDER)

test('there is a workflow for the check, the matrix, the image and the release', () => {
  expect(NAMES.sort()).toEqual(['check.yml', 'image.yml', 'release.yml', 'test.yml'])
})

test.each(NAMES)('%s is a workflow to GitHub’s own parser', async (name) => {
  expect(await workflowProblems(name, text(name))).toEqual([])
})

test.each([
  ['a key that no step has', 'runs-on: ubuntu-24.04', 'runs_on: ubuntu-24.04'],
  ['an unknown context', '${{ github.workflow }}', '${{ gitbuh.workflow }}'],
  ['a permission that there is not', 'contents: read', 'contents: reed'],
])('%s is found by it', async (_, right, wrong) => {
  const broken = text('check.yml').replace(right, wrong)
  expect(broken).not.toBe(text('check.yml'))
  expect(await workflowProblems('check.yml', broken)).not.toEqual([])
})

test.each(NAMES)('%s pins each action by its commit, with the version beside it', (name) => {
  const lines = text(name)
    .split('\n')
    .filter((line) => line.includes('uses:'))
  expect(lines.length).toBeGreaterThan(0)
  for (const line of lines) expect(line).toMatch(/uses: actions\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
})

test.each(NAMES)('%s may do no more than it needs, and ends by itself', (name) => {
  const { permissions, jobs } = workflow(name)
  expect(permissions).toEqual({ contents: 'read' })
  for (const job of Object.values(jobs)) {
    expect(job['timeout-minutes']).toBeLessThan(60)
    for (const step of job.steps) {
      if (step.uses?.startsWith('actions/checkout')) expect(step.with).toMatchObject({ 'persist-credentials': false })
      // What somebody else chose, such as the name of a branch, must not become a part of a script.
      expect(step.run ?? '').not.toContain('${{')
    }
  }
})

test('the release is checked first, and says how it was built', () => {
  const { jobs } = workflow('release.yml')
  const steps = Object.values(jobs).flatMap((job) => job.steps)
  expect(steps.map(({ run }) => run)).toContain('npm publish --provenance --access public')
  expect(steps.some(({ uses }) => uses?.startsWith('actions/attest-build-provenance@'))).toBe(true)
  for (const name of ['npm', 'image'])
    expect(jobs[name]).toMatchObject({ needs: 'check', permissions: { 'id-token': 'write' } })
  expect(manifest).not.toHaveProperty('private')
})
