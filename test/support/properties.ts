import fc from 'fast-check'

/*
 * fast-check as the tests use it: the same cases in each run, so that a change is judged by what it changes. `PROPERTY_SEED=random` looks for new ones
 * (a scheduled run does), and a number repeats one that failed.
 */
const DEFAULT_SEED = 2026
const { PROPERTY_SEED: wanted = '' } = process.env
if (wanted !== 'random') fc.configureGlobal({ seed: wanted === '' ? DEFAULT_SEED : Number(wanted) })

export default fc
