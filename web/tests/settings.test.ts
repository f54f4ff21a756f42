import { expect, test } from 'vitest'
import { DEFAULTS, parseSettings, type Settings } from '../src/settings'

test('settings survive being kept', () => {
  const settings: Settings = {
    look: 'cells',
    palette: 'cividis',
    opacity: 60,
    radius: 150,
    theme: 'light',
    detail: 'fine',
    tiles: 'streets',
    open: false,
  }
  expect(parseSettings(JSON.stringify(settings))).toEqual(settings)
})

const WRONG = '{"look":"loud","palette":"toString","opacity":"60","radius":9999,"theme":1,"open":"yes"}'

test.each([null, '', 'not JSON', '[]', 'null', '7', WRONG])('what is kept as %s is as good as nothing', (text) => {
  expect(parseSettings(text)).toEqual(DEFAULTS)
})

test('one bad setting does not take the others with it', () => {
  expect(parseSettings('{"opacity":-1,"palette":"mono"}')).toEqual({ ...DEFAULTS, palette: 'mono' })
})
