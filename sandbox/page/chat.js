// One chat of one phone with one bot: its messages and what stands around them, without any drawing.

import { api } from "./api.js";

/**
 * Tells its listeners: `reset` (after loading), `message`, `edit`, `delete`, `state` (commands, keyboards, started, blocked),
 * `action` (typing …), `toast`, `unread`. The facts are in `event.detail`.
 */
export class Chat extends EventTarget {
  constructor(phone, bot) {
    super();
    this.phone = phone;
    this.bot = bot;
    this.messages = new Map();
    this.commands = [];
    this.replyKeyboard = null;
    this.started = false;
    this.blocked = false;
    this.link = "";
    this.loaded = false;
    this.draft = "";
    this.startPayload = "";
    this.watched = false;
    this.busy = new Set();
    this.revealed = new Map();
    this.#lastRead = Number(localStorage.getItem(this.#readKey) ?? 0);
  }

  #lastRead;
  #early = null;
  #again = false;
  #actionEnds = null;

  get #readKey() {
    return `sandbox.read.${this.phone.id}.${this.bot}`;
  }

  get list() {
    return [...this.messages.values()].sort((a, b) => a.message_id - b.message_id);
  }

  isOwn(message) {
    return message.from?.id === this.phone.user.id;
  }

  get unread() {
    let count = 0;
    for (const message of this.messages.values()) if (message.message_id > this.#lastRead && !this.isOwn(message)) count += 1;
    return count;
  }

  /** What is on the screen counts as read. */
  read() {
    const newest = Math.max(0, ...this.messages.keys());
    if (newest === this.#lastRead) return;
    this.#lastRead = newest;
    localStorage.setItem(this.#readKey, String(newest));
    this.#tell("unread");
  }

  /** Asks the sandbox for everything; events that come meanwhile are taken after it, so that none is lost or undone. */
  async load() {
    if (this.#early) {
      // What is on its way may be older than what this call was made for.
      this.#again = true;
      return;
    }
    this.#again = false;
    this.#early = [];
    try {
      const facts = await api.chat(this.phone.id, this.bot);
      this.messages = new Map(facts.messages.map((message) => [message.message_id, message]));
      this.commands = facts.commands ?? [];
      this.replyKeyboard = facts.reply_keyboard ?? null;
      this.started = facts.started;
      this.blocked = facts.blocked;
      this.link = facts.link ?? "";
      this.loaded = true;
      // A sandbox that began anew counts from one again.
      if (this.#lastRead > Math.max(0, ...this.messages.keys())) this.#lastRead = 0;
    } finally {
      const early = this.#early;
      this.#early = null;
      if (this.loaded) this.#tell("reset");
      for (const event of early) this.take(event);
    }
    this.#tell("state");
    this.#tell("unread");
    if (this.#again) await this.load();
  }

  /** Takes one event of the phone's stream that names this bot. */
  take(event) {
    if (this.#early) {
      this.#early.push(event);
      return;
    }
    if (event.kind === "message" || event.kind === "edit") this.#put(event.message);
    else if (event.kind === "delete") {
      for (const id of event.message_ids) if (this.messages.delete(id)) this.#tell("delete", { id });
      this.#tell("unread");
    } else if (event.kind === "commands") {
      this.commands = event.commands;
      this.#tell("state");
    } else if (event.kind === "reply_keyboard") {
      this.replyKeyboard = event.reply_keyboard;
      this.#tell("state", { keyboard: true });
    } else if (event.kind === "action") {
      this.#act(event.action);
    } else if (event.kind === "toast") this.#tell("toast", event);
  }

  /** Adds a message or replaces it by its newer text. */
  #put(message) {
    const known = this.messages.get(message.message_id);
    if (known && (known.edit_date ?? 0) > (message.edit_date ?? 0)) return;
    this.messages.set(message.message_id, message);
    if (known) {
      this.#tell("edit", { message });
      return;
    }
    if (!this.isOwn(message)) this.#act(null);
    else if (!this.started) {
      this.started = true;
      this.#tell("state");
    }
    this.#tell("message", { message });
    this.#tell("unread");
  }

  async say(text, replyTo) {
    const { message } = await api.say(this.phone.id, this.bot, text, replyTo);
    this.sent(message);
  }

  /** Takes a message that this phone itself sent; the stream brings it as well, and whichever is first draws it. */
  sent(message) {
    this.take({ kind: "message", message });
  }

  async block(blocked) {
    await api.block(this.phone.id, this.bot, blocked);
    this.blocked = blocked;
    this.#tell("state");
  }

  async clear() {
    await api.clear(this.phone.id, this.bot);
    await this.load();
  }

  // Telegram shows an action for five seconds or until the next message.
  #act(action) {
    clearTimeout(this.#actionEnds);
    if (action) this.#actionEnds = setTimeout(() => this.#act(null), 5000);
    this.#tell("action", { action });
  }

  #tell(kind, detail = {}) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}
