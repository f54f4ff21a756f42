/**
 * How it goes with the feed, in one word: what the link says, what the browser says, and how long nothing was heard.
 */

import type { Link } from 'fleetglow-protocol'

export type Health = 'connecting' | 'live' | 'stale' | 'reconnecting' | 'offline' | 'refused'

export interface Signs {
  readonly link: Link
  /** Since when the browser says that there is no network; null if there is. */
  readonly offlineSince: number | null
  /** When the last frame or heartbeat came; null before the first. All on the clock of `performance.now()`. */
  readonly receivedAt: number | null
  readonly heartbeatMs: number
  readonly now: number
}

/** The server says something at least once a heartbeat; after one and a half it has fallen silent. */
const SILENCE_IN_HEARTBEATS = 1.5

/** Whether what is shown may be of the past. */
export const isStale = ({ receivedAt, heartbeatMs, now }: Signs): boolean =>
  receivedAt !== null && now - receivedAt > heartbeatMs * SILENCE_IN_HEARTBEATS

export function healthOf(signs: Signs): Health {
  const { link, offlineSince, receivedAt } = signs
  if (link === 'refused') return 'refused'
  // Browsers call a machine offline that still reaches a server on itself: what comes in proves them wrong.
  const isProvenOnline = link === 'connected' && receivedAt !== null && receivedAt > (offlineSince ?? 0)
  if (offlineSince !== null && !isProvenOnline) return 'offline'
  if (link !== 'connected') return link
  if (receivedAt === null) return 'connecting'
  return isStale(signs) ? 'stale' : 'live'
}

/** How long ago, for people. */
export function agoText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 1) return 'just now'
  if (seconds < 120) return `${seconds} s ago`
  return seconds < 7200 ? `${Math.floor(seconds / 60)} min ago` : `${Math.floor(seconds / 3600)} h ago`
}

/** A duration for people: milliseconds as long as they matter. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`
}
