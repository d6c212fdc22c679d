// The desk: which phones there are, which of them are open, and how many fit side by side.

import { api } from "./api.js";
import { el } from "./dom.js";
import { FaultPanel, Faults } from "./faults.js";
import { locale, t, turnLanguage } from "./i18n.js";
import { askedFor } from "./links.js";
import { Phone } from "./phone.js";
import { Rail } from "./rail.js";
import { applyTheme } from "./theme.js";
import { ChatWindow } from "./window.js";

const WIDE_PX = 1100;
const NARROW_PX = 720;
const RAIL_PX = 264;
const WINDOW_PX = 350;
const MOST_OPEN = 3;
const TRY_AGAIN_MS = 1500;
const LOOK_AT_CLOSED_MS = 2500;
// A hidden page lets its streams go: a browser gives one server six connections, and other pages of it need some.
const HIDDEN_MS = 10_000;

class Desk {
  #windows = new Map();
  #hidden = null;

  constructor(root) {
    this.root = root;
    this.bots = [];
    this.phones = [];
    this.open = [];
    this.faults = new Faults(this);
    addEventListener("resize", () => this.#fit());
    document.addEventListener("visibilitychange", () => this.#visibility());
    setInterval(() => this.#lookAtClosed(), LOOK_AT_CLOSED_MS);
  }

  bot(username) {
    return this.bots.find((bot) => bot.username === username);
  }

  /** The group of that number, as a phone that is in it knows it. */
  room(id) {
    return this.phones.flatMap((phone) => phone.rooms).find((room) => room.id === id);
  }

  /** The bot of that username, the group of that number, or the person with that phone, as `{username, name, description}`. */
  peer(id) {
    const room = this.room(id);
    if (room) return { username: id, name: room.title };
    return this.bot(id) ?? { username: id, name: this.phones.find((phone) => phone.id === id)?.title ?? id };
  }

  async begin() {
    await this.#first();
    const asked = askedFor(location.search);
    const phone = this.phones.find((one) => one.id === asked.phone);
    this.open = this.#chosen(phone);
    this.draw();
    if (phone && asked.bot) {
      // The payload is sent once: a reload of the page must not press START again.
      history.replaceState(null, "", `?phone=${encodeURIComponent(phone.id)}&bot=${encodeURIComponent(asked.bot)}`);
      this.#windows.get(phone)?.mention(asked.bot, asked.start);
    }
    this.#lookAtClosed();
  }

  async #first() {
    const waiting = el("p", { class: "nothing", role: "status", text: t("unreachable"), hidden: true });
    this.root.replaceChildren(waiting);
    for (;;) {
      try {
        await this.refresh();
        return;
      } catch {
        waiting.hidden = false;
        await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
      }
    }
  }

  /** Asks anew who is here; new phones and bots appear, open chats stay. */
  async refresh() {
    const facts = await api.phones();
    this.bots = facts.bots;
    this.faults.take(facts.faults);
    for (const one of facts.phones) {
      const known = this.phones.find((phone) => phone.id === one.id);
      if (known) known.take(one);
      else this.phones.push(this.#meet(one));
    }
    this.rail?.draw();
    // Before its bot has said who it is, a phone has nobody to talk to.
    if (this.phones.some((phone) => !phone.bot)) setTimeout(() => this.refresh().then(() => this.#refreshOpen(), () => null), TRY_AGAIN_MS);
  }

  #refreshOpen() {
    for (const phone of this.open) phone.refresh();
  }

  #meet(facts) {
    const phone = new Phone(facts, this);
    const told = () => {
      this.rail?.draw();
      this.#drawTitle();
    };
    phone.addEventListener("unread", told);
    phone.addEventListener("changed", told);
    phone.addEventListener("state", () => this.faults.lookAtBlocked());
    return phone;
  }

  get places() {
    if (innerWidth < NARROW_PX) return 1;
    const rail = innerWidth >= WIDE_PX ? RAIL_PX : 76;
    return Math.max(1, Math.min(MOST_OPEN, Math.floor((innerWidth - rail) / WINDOW_PX)));
  }

  #chosen(asked) {
    const kept = (localStorage.getItem("sandbox.open") ?? "").split(",").map((id) => this.phones.find((phone) => phone.id === id));
    const usual = ["buyer", "admin"].map((id) => this.phones.find((phone) => phone.id === id));
    const wanted = kept.some(Boolean) ? kept : innerWidth >= WIDE_PX ? usual : usual.slice(0, 1);
    const chosen = [...new Set([asked, ...wanted].filter(Boolean))];
    return (chosen.length > 0 ? chosen : this.phones.slice(0, 1)).slice(0, this.places);
  }

  /** Opens a phone, in place of the oldest one when there is no room. */
  show(phone) {
    if (!this.open.includes(phone)) {
      if (this.open.length >= this.places) this.open.splice(0, this.open.length - this.places + 1);
      this.open.push(phone);
      // Side by side they stand in the order of the list.
      this.open.sort((a, b) => this.phones.indexOf(a) - this.phones.indexOf(b));
      this.#keep();
      this.#place();
    }
    this.#windows.get(phone)?.focusComposer();
  }

  close(phone) {
    this.open = this.open.filter((one) => one !== phone);
    this.#keep();
    this.#place();
    this.rail.list.querySelector(`[data-phone="${CSS.escape(phone.id)}"]`)?.focus();
  }

  #keep() {
    localStorage.setItem("sandbox.open", this.open.map((phone) => phone.id).join(","));
  }

  /** Draws the whole page anew: at the start, and when its language turns. */
  draw() {
    document.documentElement.lang = locale();
    for (const window of this.#windows.values()) window.remove();
    this.#windows.clear();
    this.panel = new FaultPanel(this.faults, this);
    this.rail = new Rail(this);
    this.stage = el("main", { class: "stage" });
    this.root.replaceChildren(this.rail.element, this.stage, this.panel.element);
    this.#place();
    this.#drawTitle();
  }

  turnLanguage() {
    turnLanguage();
    this.draw();
    this.rail.element.querySelector(".words")?.focus();
  }

  #place() {
    for (const [phone, window] of this.#windows) {
      if (this.open.includes(phone)) continue;
      window.remove();
      phone.sleep();
      this.#windows.delete(phone);
    }
    for (const phone of this.open) {
      if (!this.#windows.has(phone)) {
        this.#windows.set(phone, new ChatWindow(phone, this));
        phone.wake();
      }
    }
    const elements = this.open.map((phone) => this.#windows.get(phone).element);
    // Moving an element would lose its scroll position, so only what is out of place is put in.
    elements.forEach((element, index) => {
      if (this.stage.children[index] !== element) this.stage.insertBefore(element, this.stage.children[index] ?? null);
    });
    this.stage.dataset.open = String(this.open.length);
    this.stage.classList.toggle("vacant", this.open.length === 0);
    this.rail.draw();
  }

  #fit() {
    if (!this.rail || this.open.length <= this.places) return;
    this.open = this.open.slice(0, this.places);
    this.#place();
  }

  #drawTitle() {
    const unread = this.phones.reduce((sum, phone) => sum + phone.unread, 0);
    document.title = unread > 0 ? `(${unread}) ${t("title")}` : t("title");
  }

  #visibility() {
    clearTimeout(this.#hidden);
    if (document.visibilityState === "hidden") this.#hidden = setTimeout(() => this.open.forEach((phone) => phone.sleep()), HIDDEN_MS);
    else this.open.forEach((phone) => phone.wake());
  }

  // Closed phones have no stream of their own; they are asked now and then, so that their counters are right.
  async #lookAtClosed() {
    if (document.visibilityState === "hidden") return;
    for (const phone of this.phones.filter((one) => !this.open.includes(one))) await phone.refresh();
  }
}

applyTheme();
new Desk(document.getElementById("desk")).begin();
