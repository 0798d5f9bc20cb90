import regexp from 'eslint-plugin-regexp'
import tseslint from 'typescript-eslint'

export default tseslint.config(
  { ignores: ['node_modules/', 'coverage/', 'dist/', '.cache/'] },
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js', '.*.cjs'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    // Input must not decide how long a match takes.
    files: ['src/**/*.{ts,js}'],
    plugins: { regexp },
    rules: {
      'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
      // Also where a partial match is all that is asked for, and with the flag y.
      'regexp/no-super-linear-move': ['error', { report: 'potential', ignorePartial: false, ignoreSticky: false }],
    },
  },
  {
    // One owner for each hazard: the environment, the process and the wall clock are read in one place each.
    files: ['src/**/*.ts'],
    ignores: ['src/main.ts', 'src/cli/**'],
    rules: { 'no-restricted-globals': ['error', { name: 'process', message: 'process belongs to main.ts and cli/.' }] },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/clock.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Time comes from the Clock that is passed in.' },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/node-http.ts', 'src/emulator/**'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { name: 'node:http', allowTypeImports: true, message: 'Values come from node-http.ts, which says why.' },
      ],
    },
  },
  {
    // An 'error' event without a listener ends the process: somebody answers for every stream, and for as long as it lives.
    files: ['src/**/*.ts'],
    ignores: ['src/upstream/body-stream.ts', 'src/emulator/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            ':not(CallExpression[callee.name="owned"]) > NewExpression[callee.name=/^(Readable|Writable|Duplex|Transform|PassThrough)$/]',
          message: 'Make it with body-stream.ts, which answers for its errors.',
        },
        {
          selector: 'CallExpression[callee.object.name="Readable"][callee.property.name="from"]',
          message: 'Make it with bodyOf of body-stream.ts, which answers for its errors.',
        },
        {
          selector: 'CallExpression[callee.property.name="once"][arguments.0.value="error"]',
          message: "A second error would end the process: use on('error', ...).",
        },
      ],
    },
  },
  { files: ['*.js', '.*.cjs'], extends: [tseslint.configs.disableTypeChecked] },
)
