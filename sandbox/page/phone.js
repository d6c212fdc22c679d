// One person's phone: who they are, their chats, and the stream that keeps them fresh while the phone is open.

import { api } from "./api.js";
import { Chat } from "./chat.js";
import { Stream } from "./events.js";

/** Tells `changed` (name, Stars, language, bots), `line` (connected or not), `unread`, `state` (a chat was blocked, started …). */
export class Phone extends EventTarget {
  #stream;
  #streaming = false;

  constructor(facts, desk) {
    super();
    this.desk = desk;
    this.chats = new Map();
    this.people = [];
    this.rooms = [];
    this.connected = true;
    this.take(facts);
    this.#stream = new Stream(this.id, {
      onEvent: (event) => this.#event(event),
      onOpen: (again) => this.#opened(again),
      onDown: () => this.#line(false),
    });
    const kept = localStorage.getItem(`sandbox.bot.${this.id}`);
    if (this.peers.includes(kept)) this.bot = kept;
  }

  /** Takes the phone object of the sandbox. */
  take(facts) {
    this.id = facts.id;
    this.title = facts.title;
    this.user = facts.user;
    this.stars = facts.stars;
    this.bots = facts.bots ?? [];
    const before = this.rooms.map((room) => room.id);
    this.rooms = facts.rooms ?? [];
    for (const peer of this.peers) if (!this.chats.has(peer)) this.chat(peer);
    // What was said in a group before stands there for whoever comes in.
    if (this.#stream) for (const { id } of this.rooms) if (!before.includes(id)) this.chat(id).load().catch(() => null);
    if (this.bot && !this.peers.includes(this.bot)) this.bot = null;
    this.bot ??= this.bots[0] ?? null;
    this.dispatchEvent(new Event("changed"));
  }

  /** Everybody this phone has a chat with: usernames of bots, numbers of groups, then ids of other phones (a shared inline result goes to a person). */
  get peers() {
    return [...this.bots, ...this.rooms.map((room) => room.id), ...this.people];
  }

  /** The chat with a bot or a person; made when it is asked for the first time. */
  chat(bot) {
    let chat = this.chats.get(bot);
    if (!chat) {
      chat = new Chat(this, bot);
      chat.addEventListener("unread", () => this.dispatchEvent(new Event("unread")));
      chat.addEventListener("state", () => this.dispatchEvent(new Event("state")));
      this.chats.set(bot, chat);
    }
    return chat;
  }

  choose(bot) {
    if (!this.peers.includes(bot)) {
      this.people.push(bot);
      this.chat(bot).load().catch(() => null);
    }
    this.bot = bot;
    localStorage.setItem(`sandbox.bot.${this.id}`, bot);
    this.dispatchEvent(new Event("changed"));
  }

  get unread() {
    return [...this.chats.values()].reduce((sum, chat) => sum + chat.unread, 0);
  }

  /** Opens the stream and loads every chat. */
  wake() {
    if (this.#streaming) return;
    this.#streaming = true;
    this.#stream.open();
    this.refresh();
  }

  sleep() {
    this.#streaming = false;
    this.#stream.close();
  }

  async refresh() {
    await Promise.all(this.peers.map((bot) => this.chat(bot).load().catch(() => null)));
  }

  async change(facts) {
    this.take(await api.change(this.id, facts));
  }

  #opened(again) {
    this.#line(true);
    // What happened before the stream was open is not on it. Loading also heals a sandbox that was restarted and forgot its events.
    this.refresh();
    if (again) this.desk.refresh().catch(() => null);
  }

  #line(connected) {
    if (this.connected === connected) return;
    this.connected = connected;
    this.dispatchEvent(new Event("line"));
  }

  #said(event) {
    const known = this.peers.includes(event.bot);
    this.chat(event.bot).take(event);
    if (known) return;
    if (this.desk.phones.some((phone) => phone.id === event.bot)) {
      this.people.push(event.bot);
      this.chat(event.bot).load().catch(() => null);
      this.dispatchEvent(new Event("changed"));
    } else this.desk.refresh();
  }

  #event(event) {
    if (event.kind === "phone") this.take(event.phone ?? event);
    else if (event.kind === "faults") this.desk.faults.take(event.faults ?? event);
    else if (event.bot) this.#said(event);
  }
}
