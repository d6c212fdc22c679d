// The stream of what happens on one phone: kept open, taken up again where it broke, and honest about being down.

import { api } from "./api.js";

// A blip shorter than this is not worth telling.
const PATIENCE_MS = 500;
const LONGEST_WAIT_MS = 8000;

export class Stream {
  #source = null;
  #waiting = null;
  #telling = null;
  #tries = 0;
  #wasOpen = false;

  /** `onEvent` gets every object, `onOpen(again)` each (re)connection, `onDown` a loss that lasts. */
  constructor(phone, { onEvent, onOpen, onDown }) {
    this.phone = phone;
    this.onEvent = onEvent;
    this.onOpen = onOpen;
    this.onDown = onDown;
  }

  open() {
    if (this.#source) return;
    const source = new EventSource(api.events(this.phone));
    this.#source = source;
    source.addEventListener("open", () => {
      clearTimeout(this.#telling);
      this.#telling = null;
      this.#tries = 0;
      const again = this.#wasOpen;
      this.#wasOpen = true;
      this.onOpen(again);
    });
    source.addEventListener("message", (event) => this.onEvent(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      this.#telling ??= setTimeout(() => this.onDown(), PATIENCE_MS);
      // The browser itself comes back (with Last-Event-ID) unless it was refused; then nobody else would.
      if (source.readyState === EventSource.CLOSED) this.#later();
    });
  }

  close() {
    clearTimeout(this.#waiting);
    clearTimeout(this.#telling);
    this.#telling = null;
    this.#source?.close();
    this.#source = null;
  }

  #later() {
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => this.open(), Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.#tries++));
  }
}
