/**
 * The house's one rule: imports go downwards only,
 * token/ <- upstream/ <- server/ <- app.ts <- cli/ <- main.ts; emulator/ stands apart, cli/ alone starts it.
 */
const above = {
  token: '^src/(upstream|server|check|cli|emulator)/|^src/(app|main)\\.ts$',
  upstream: '^src/(server|check|cli|emulator)/|^src/(app|main)\\.ts$',
  server: '^src/(check|cli|emulator)/|^src/(app|main)\\.ts$',
}

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...Object.entries(above).map(([room, path]) => ({
      name: `${room}-looks-down-only`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: { path },
    })),
    {
      name: 'ground-floor-imports-no-room',
      comment: 'config, errors, logger, redaction and clock serve every room and know none of them',
      severity: 'error',
      from: {
        path: '^src/config/|^src/(config|config-error|admin-defaults|node-http|errors|logger|redaction|remembered|clock)\\.ts$',
      },
      to: { path: '^src/(token|upstream|server|cli|emulator)/|^src/(app|main)\\.ts$' },
    },
    {
      name: 'app-does-not-know-its-callers',
      severity: 'error',
      from: { path: '^src/app\\.ts$' },
      to: { path: '^src/(cli|emulator)/|^src/main\\.ts$' },
    },
    {
      name: 'emulator-stands-apart',
      severity: 'error',
      from: { path: '^src/emulator/' },
      to: { path: '^src/(token|upstream|server|cli|config)/|^src/(app|main|config|errors)\\.ts$' },
    },
    {
      name: 'http-proxy-has-one-owner',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/server/proxy\\.ts$' },
      to: { path: '@fastify/(http-proxy|reply-from)' },
    },
    {
      name: 'observers-are-the-apps',
      comment: 'rooms emit events; only the composition root knows who counts them',
      severity: 'error',
      from: { path: '^src/(token|upstream|server|cli|emulator)/' },
      to: { path: '^src/(metrics|inspector|page)/|^src/observers\\.ts$' },
    },
    {
      name: 'prom-client-has-one-owner',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/metrics/' },
      to: { path: 'node_modules/prom-client' },
    },
    {
      name: 'config-has-one-door',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/config(/|\\.ts$)' },
      to: { path: '^src/config/' },
    },
    {
      name: 'token-store-knows-tokens-alone',
      comment: 'it wraps a grant; only the composition root knows that tokens are shared',
      severity: 'error',
      from: { path: '^src/token-store/' },
      to: { path: '^src/', pathNot: '^src/(token-store|token)/|^src/clock\\.ts$' },
    },
    {
      name: 'token-store-is-the-roots',
      severity: 'error',
      from: { path: '^src/(token|upstream|server|cli|emulator|config)/' },
      to: { path: '^src/token-store/' },
    },
    {
      name: 'redis-has-one-owner',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/token-store/redis-store\\.ts$' },
      to: { path: 'node_modules/ioredis' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: '^src/main\\.ts$' },
      to: {},
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-dev-dependencies-at-run-time',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
}
