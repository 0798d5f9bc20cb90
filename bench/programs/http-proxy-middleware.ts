/** http-proxy-middleware with kept-alive connections. Arguments: port, origin. */
import { Agent, createServer } from 'node:http'
import { createProxyMiddleware } from 'http-proxy-middleware'

const [port, origin = ''] = process.argv.slice(2)
const middleware = createProxyMiddleware({
  target: origin,
  changeOrigin: true,
  agent: new Agent({ keepAlive: true, maxSockets: 64 }),
})
createServer((request, response) => {
  void middleware(request, response, () => response.destroy())
}).listen(Number(port), '127.0.0.1')
