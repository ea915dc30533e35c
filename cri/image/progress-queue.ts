/** What work wants to tell, in order; a newer message may take the place of the last one. */
export class ProgressQueue<Message> {
  readonly #waiting: Message[] = [];
  readonly #replaces: (last: Message, next: Message) => boolean;
  #wake: () => void = () => undefined;

  /** `replaces` says whether `last`, not read yet, need not be told when `next` is. */
  constructor(replaces: (last: Message, next: Message) => boolean) {
    this.#replaces = replaces;
  }

  push(message: Message): void {
    const last = this.#waiting.at(-1);
    if (last !== undefined && this.#replaces(last, message)) {
      // A slow client gets the newest figure instead of a growing list of old ones.
      this.#waiting.pop();
    }
    this.#waiting.push(message);
    this.#wake();
  }

  /** Yields what was pushed until `work` settles; throws what it throws. */
  async *until(work: Promise<unknown>): AsyncGenerator<Message, void, undefined> {
    let isOver = false;
    const over = work.finally(() => {
      isOver = true;
      this.#wake();
    });
    // Observed below; without this a failure while the client reads would count as unhandled.
    over.catch(() => undefined);
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) {
        yield next;
      } else if (isOver) {
        await over;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
