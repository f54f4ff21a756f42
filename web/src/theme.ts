/** Dark or light: as the system has it, or as the viewer chose. */

import type { Scheme } from './palettes'
import type { ThemeChoice } from './settings'

const darkQuery = window.matchMedia('(prefers-color-scheme: dark)')

export function schemeOf(choice: ThemeChoice): Scheme {
  if (choice !== 'auto') return choice
  return darkQuery.matches ? 'dark' : 'light'
}

/** Gives the page the colours of a choice; those of the map are its own. */
export function setTheme(choice: ThemeChoice): void {
  document.documentElement.dataset['theme'] = choice
}

export function onSchemeChange(listener: () => void): void {
  darkQuery.addEventListener('change', listener)
}
