/** The elements of index.html that scripts fill. */

/** @throws Error when the page has no element of that id, which only a mistake in index.html can cause */
export function part<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id)
  if (!element) throw new Error(`index.html: expected an element with the id ${id}`)
  return element as T
}

/** Writes a text where it differs: whoever follows an element hears of changes only. */
export function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

export const number = new Intl.NumberFormat('en')
