/** Where the admin listener is, unless ADMIN_HOST and ADMIN_PORT say otherwise. */
export const ADMIN_DEFAULTS = { host: '127.0.0.1', port: 9090 } as const
