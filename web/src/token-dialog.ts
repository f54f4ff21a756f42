/** Asks for a token, over the page: without one there is nothing to show. */

import { part } from './dom'

let asking: Promise<string> | null = null

/** Resolves with what was entered. Asked again while it is open, it is the same question, with the latest reason. */
export function askForToken(why: string): Promise<string> {
  part('why').textContent = why
  return (asking ??= ask().finally(() => (asking = null)))
}

function ask(): Promise<string> {
  const dialog = part<HTMLDialogElement>('ask')
  const form = part<HTMLFormElement>('ask-form')
  const input = part<HTMLInputElement>('token')
  input.value = ''
  dialog.showModal()
  // Escape would leave a page that shows nothing, and not every browser lets that be prevented.
  const stay = (): void => dialog.showModal()
  dialog.addEventListener('close', stay)
  return new Promise((resolve) => {
    const take = (): void => {
      dialog.removeEventListener('close', stay)
      const token = input.value.trim()
      // What stands in a field can be read by whoever finds the page open.
      input.value = ''
      resolve(token)
    }
    form.addEventListener('submit', take, { once: true })
  })
}
