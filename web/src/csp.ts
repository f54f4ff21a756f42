/**
 * The content security policy that the deployment needs and no more. The page lies in a bucket as it was built, so
 * index.html can only forbid what no deployment needs; which hosts this one talks to stands in its config.json. A
 * second policy can only narrow the first, so this one is added as soon as that file is read, before anything else is
 * loaded.
 */

import type { Config, TileSet } from './config'

/**
 * The policy for a configuration.
 * @param base the page's own URL, against which those of the tiles are read
 * @throws TypeError when a URL in the configuration is none
 */
export function policyFor({ websocket_url, tiles }: Config, base: string): string {
  const own = new URL(base).origin
  const hosts = [...new Set(tiles.flatMap((set) => originsOf(set, base)))].filter((origin) => origin !== own)
  const live = new URL(websocket_url).origin
  const directives = {
    'default-src': ["'self'"],
    // Over HTTP the live server is only asked whether it is up.
    'connect-src': ["'self'", live, live.replace(/^ws/, 'http'), ...hosts],
    'img-src': ["'self'", 'data:', 'blob:', ...hosts],
    'style-src': ["'self'", "'unsafe-inline'"],
    'worker-src': ["'self'", 'blob:'],
    'object-src': ["'none'"],
    'base-uri': ["'none'"],
  }
  return Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources.join(' ')}`)
    .join('; ')
}

const originsOf = ({ url, dark_url, style, dark_style, hosts = [] }: TileSet, base: string): string[] =>
  [url, dark_url, style, dark_style, ...hosts]
    .filter((each) => each !== undefined)
    .map((each) => new URL(each, base).origin)

/** Enforces a policy from here on, beside those that hold already. */
export function enforce(policy: string): void {
  const meta = document.createElement('meta')
  meta.httpEquiv = 'Content-Security-Policy'
  meta.content = policy
  document.head.append(meta)
}
