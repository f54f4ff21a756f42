/** Asks what the server offers, on behalf of all who want to know. */

import type { Hello, HelloAck } from './protocol.js'
import { Question, type Line } from './question.js'

interface Waiting {
  resolve: (hello: Hello) => void
  reject: (error: Error) => void
}

export class Greeting {
  private waiting: Waiting[] = []
  private readonly question: Question

  constructor(line: Line) {
    this.question = new Question(line, () => ({ action: 'hello' }))
  }

  hello(): Promise<Hello> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject })
      this.question.ask()
    })
  }

  owns(id: string | undefined): boolean {
    return this.question.owns(id)
  }

  /** There is a connection to ask on. */
  ask(): void {
    if (this.waiting.length > 0) this.question.ask()
  }

  /** What was asked has come to nothing. */
  askAgain(): void {
    if (this.waiting.length > 0) this.question.askAgain()
  }

  answer({ cities, precisions, connection_id }: HelloAck): void {
    for (const { resolve } of this.take()) resolve({ cities, precisions, connection_id })
  }

  fail(reason: string): void {
    for (const { reject } of this.take()) reject(new Error(`hello: ${reason}`))
  }

  lost(): void {
    this.question.lost()
  }

  private take(): Waiting[] {
    const { waiting } = this
    this.waiting = []
    this.question.answered()
    return waiting
  }
}
