/** Starts the page: what the deployment says, who is looking, and from where. */

import { loadConfig } from './config'
import { enforce, policyFor } from './csp'
import { part } from './dom'
import { Page, takeToken } from './page'
import { storedSettings } from './settings'
import { setTheme } from './theme'
import { isExpired, storedToken } from './token'
import { askForToken } from './token-dialog'
import { whyRefused } from './token-keeper'
import { parseHash, type View } from './view'

async function usableToken(known: string | null, view: View): Promise<string> {
  if (known && !isExpired(known)) return known
  const entered = await askForToken(known ? whyRefused(known) : 'The live map needs a viewer’s token.')
  takeToken(entered, view)
  return entered
}

async function run(): Promise<void> {
  const stored = storedSettings()
  setTheme(stored.theme)
  const { view, token } = parseHash(location.hash)
  if (token) takeToken(token, view)
  const config = await loadConfig()
  enforce(policyFor(config, document.baseURI))
  const { look = stored.look, tiles = stored.tiles } = view
  new Page(config, await usableToken(token ?? storedToken(), view), view, { ...stored, look, tiles }).start()
}

run().catch((error: unknown) => {
  const notice = part('notice')
  notice.hidden = false
  notice.textContent = error instanceof Error ? error.message : String(error)
  document.body.dataset['connection'] = 'failed'
})
