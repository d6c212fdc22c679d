// One phone's window: the head with the bot's name, the messages, the foot, and everything a press can do.

import { api } from "./api.js";
import { avatar } from "./avatar.js";
import { confetti } from "./confetti.js";
import { Composer } from "./composer.js";
import { el, icon } from "./dom.js";
import { openFile, openPhoto, openSendSheet } from "./files.js";
import { Head } from "./head.js";
import { t } from "./i18n.js";
import { openPaySheet } from "./invoice.js";
import { readLink } from "./links.js";
import { Log } from "./log.js";
import { plainText } from "./message.js";
import { alertSheet, confirmSheet, openMenu, Toasts } from "./sheet.js";

const LONGEST_PRESS_MS = 15_000;

export class ChatWindow {
  #life = new AbortController();
  #chatLife = null;
  #dragDepth = 0;

  /** `desk` is the whole page: bots, faults, closing a phone. */
  constructor(phone, desk) {
    this.phone = phone;
    this.desk = desk;
    this.toasts = new Toasts();
    this.head = new Head(this);
    this.place = el("div", { class: "window-place" });
    this.body = el("div", { class: "window-body" }, this.head.element, this.head.tabs, this.head.bar, this.place);
    this.drop = el("div", { class: "drop", hidden: true }, icon("attach"), el("span", { text: t("drop_here") }));
    this.element = el("section", { class: "window", "aria-label": phone.title, data: { phone: phone.id } }, this.body, this.drop, this.toasts.element);
    const signal = this.#life.signal;
    phone.addEventListener("changed", () => this.#phoneChanged(), { signal });
    phone.addEventListener("line", () => this.head.drawLine(), { signal });
    phone.addEventListener("unread", () => this.head.drawTabs(), { signal });
    this.#acceptDrops(signal);
    this.#phoneChanged();
  }

  remove() {
    this.#life.abort();
    this.#leaveChat();
    this.element.remove();
  }

  focusComposer() {
    this.composer?.focus();
  }

  // ——— drawing ———

  #phoneChanged() {
    if (this.phone.bot !== this.chat?.bot) this.#enterChat();
    this.head.draw();
  }

  get bot() {
    return this.desk.peer(this.phone.bot);
  }

  #leaveChat() {
    this.#chatLife?.abort();
    this.log?.remove();
    this.composer?.inline.stop();
    if (this.chat) this.chat.watched = false;
  }

  #enterChat() {
    this.#leaveChat();
    if (!this.phone.bot) {
      this.place.replaceChildren(el("p", { class: "nothing", text: t("no_bot") }));
      return;
    }
    const chat = this.phone.chat(this.phone.bot);
    this.chat = chat;
    chat.watched = true;
    this.element.dataset.bot = chat.bot;
    this.#chatLife = new AbortController();
    const { signal } = this.#chatLife;
    this.log = new Log(chat, this, this.bot.name);
    this.composer = new Composer(chat, this, this.bot.name);
    this.hello = el("div", { class: "hello", hidden: true });
    this.log.element.append(this.hello);
    this.place.replaceChildren(this.log.element, this.composer.element);
    const on = (kind, act) => chat.addEventListener(kind, (event) => act(event.detail), { signal });
    on("reset", () => this.#reset());
    on("state", (detail) => {
      this.composer.update(detail);
      this.#drawHello();
    });
    on("message", ({ message }) => {
      this.log.put(message);
      this.#drawHello();
      if (message.effect_id) confetti(this.element);
    });
    on("edit", ({ message }) => this.log.put(message));
    on("delete", ({ id }) => {
      this.log.drop(id);
      this.#drawHello();
    });
    on("action", ({ action }) => this.head.drawAction(action));
    on("toast", ({ text, show_alert: alert }) => this.#answer({ text, show_alert: alert }));
    if (chat.loaded) this.#reset();
  }

  #reset() {
    this.log.sync();
    this.composer.update();
    this.#drawHello();
  }

  #drawHello() {
    const empty = this.chat.loaded && this.chat.messages.size === 0;
    this.hello.hidden = !empty;
    if (!empty) return;
    const bot = this.bot;
    this.hello.replaceChildren(
      el("div", { class: "hello-card" }, avatar(bot.name ?? "?", "huge"), el("h3", { text: bot.name ?? "" }), bot.description ? el("p", { class: "faint", text: t("what_can") }) : null, el("p", { dir: "auto", class: "hello-about", text: bot.description || t("empty") })),
    );
  }

  #acceptDrops(signal) {
    const carries = (event) => event.dataTransfer?.types.includes("Files") && this.chat && !this.chat.blocked;
    const over = (change) => {
      this.#dragDepth = Math.max(0, this.#dragDepth + change);
      this.drop.hidden = this.#dragDepth === 0;
    };
    this.element.addEventListener("dragenter", (event) => carries(event) && (event.preventDefault(), over(1)), { signal });
    this.element.addEventListener("dragover", (event) => carries(event) && event.preventDefault(), { signal });
    this.element.addEventListener("dragleave", (event) => carries(event) && over(-1), { signal });
    this.element.addEventListener("drop", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      over(-this.#dragDepth);
      const [file] = event.dataTransfer.files;
      if (file) this.attach(file);
    }, { signal });
  }

  // ——— what a press can do (the `acts` of bubbles, keyboards and the composer) ———

  // After a dialog the focus goes back to the button that opened it, also when an edit has drawn that button anew.
  #focusBack = (before) => {
    if (before?.isConnected && before !== document.body) before.focus({ preventScroll: true });
    else if (!before?.dataset?.cell || !this.log.focusLastKeys()) this.composer.focus();
  };

  toast(text, mood = "") {
    this.toasts.say(text, mood);
  }

  bots() {
    return this.desk.bots.map((bot) => bot.username);
  }

  sent(message) {
    this.chat.sent(message);
  }

  focusKeys() {
    return this.log.focusLastKeys();
  }

  showMessage(id) {
    this.log.show(id);
  }

  /** Sends a text; true when the sandbox took it. */
  async say(text, replyTo) {
    try {
      await this.chat.say(text, replyTo);
      return true;
    } catch (error) {
      this.toast(error.message, "bad");
      return false;
    }
  }

  async start() {
    const payload = this.chat.startPayload;
    this.chat.startPayload = "";
    if (!(await this.say(payload ? `/start ${payload}` : "/start"))) this.chat.startPayload = payload;
    this.composer.update();
    this.composer.focus();
  }

  async unblock() {
    await this.#try(() => this.chat.block(false));
  }

  attach(file) {
    openSendSheet(this.element, this.chat, file, { onSent: (message) => this.sent(message), focusBack: this.#focusBack });
  }

  async copy(text) {
    const done = await navigator.clipboard.writeText(text).then(() => true, () => false);
    this.toast(t(done ? "copied" : "not_copied"), done ? "good" : "bad");
  }

  /** Follows a link as Telegram does: a bot's link opens its chat, another address asks when it hides behind other words. */
  follow(address, shown = "") {
    const link = readLink(address);
    if (!link) this.toast(t("bad_link"), "bad");
    else if (link.invoice) openPaySheet(this.element, this.chat, { link: link.invoice }, { title: this.bot.name, description: link.invoice }, this.#focusBack);
    else if (link.bot) this.mention(link.bot, link.start);
    else if (link.join) this.#try(() => this.#join(link.join));
    else if (shown && !link.href.includes(shown.replace(/\/$/, ""))) confirmSheet(this.element, t("open_link"), { detail: link.href, yes: t("open"), act: () => visit(link.href), focusBack: this.#focusBack });
    else visit(link.href);
  }

  async #join(address) {
    const { room } = await api.join(this.phone.id, address);
    await this.desk.refresh();
    this.phone.choose(String(room.id));
  }

  mention(name, start = "") {
    const bot = this.desk.bots.find((one) => one.username.toLowerCase() === name.toLowerCase());
    if (!bot) {
      this.toast(t("unknown_bot", { bot: name }), "bad");
      return;
    }
    if (this.phone.bot !== bot.username) this.phone.choose(bot.username);
    if (start) this.say(`/start ${start}`);
  }

  press(message, button, row, column) {
    if (button.pay && message.invoice) openPaySheet(this.element, this.chat, { message_id: message.message_id }, message.invoice, this.#focusBack);
    else if (button.copy_text) this.copy(button.copy_text.text);
    else if (button.url) this.follow(button.url);
    else if (button.login_url) this.follow(button.login_url.url);
    else if (button.web_app) this.follow(button.web_app.url);
    else if (button.switch_inline_query_current_chat !== undefined) this.composer.fill(`@${this.#author(message)} ${button.switch_inline_query_current_chat}`);
    else if (button.switch_inline_query !== undefined) this.#share(this.#author(message), button.switch_inline_query);
    else if (button.switch_inline_query_chosen_chat) this.#share(this.#author(message), button.switch_inline_query_chosen_chat.query ?? "");
    else this.#callback(message.message_id, row, column);
  }

  #author(message) {
    return message.via_bot?.username ?? message.from?.username ?? this.chat.bot;
  }

  // As Telegram does: choose a chat, and the query stands ready in its text field.
  #share(bot, query) {
    const to = [this.chat.bot, ...this.desk.phones.filter((phone) => phone !== this.phone && phone.id !== this.chat.bot).map((phone) => phone.id)];
    const items = to.map((id) => ({
      label: this.desk.peer(id).name,
      icon: avatar(this.desk.peer(id).name),
      act: () => {
        this.phone.choose(id);
        this.composer.fill(`@${bot} ${query}`);
      },
    }));
    const box = this.place.getBoundingClientRect();
    openMenu(this.body, box.left + 20, box.bottom - 80, items, t("share_to"), { heading: true });
  }

  async #callback(id, row, column) {
    const { chat, log } = this;
    const key = `${id}:${row}:${column}`;
    if (chat.busy.has(key)) return;
    const patience = new AbortController();
    const ends = setTimeout(() => patience.abort(), LONGEST_PRESS_MS);
    chat.busy.add(key);
    log.bubble(id)?.markBusy(row, column, true);
    try {
      const { answer } = await api.press(this.phone.id, chat.bot, id, row, column, patience.signal);
      if (answer) this.#answer(answer);
    } catch (error) {
      this.toast(error.name === "AbortError" ? t("no_answer") : error.message, "bad");
    } finally {
      clearTimeout(ends);
      if (chat.busy.delete(key)) log.bubble(id)?.markBusy(row, column, false);
    }
  }

  #answer({ text, show_alert: alert, url }) {
    if (url) this.follow(url);
    if (!text) return;
    if (alert) alertSheet(this.element, text, this.#focusBack);
    else this.toast(text);
  }

  busyCells(id) {
    return new Set([...this.chat.busy].filter((key) => key.startsWith(`${id}:`)).map((key) => key.slice(key.indexOf(":") + 1)));
  }

  forgetBusy(id) {
    for (const key of this.chat.busy) if (key.startsWith(`${id}:`)) this.chat.busy.delete(key);
  }

  openFile(file, message) {
    openFile(this.element, this.phone, file, { isProtected: message.has_protected_content === true, focusBack: this.#focusBack }).catch((error) => this.toast(error.message, "bad"));
  }

  openPhoto(file_id, message) {
    openPhoto(this.element, this.phone, file_id, message.caption, this.#focusBack);
  }

  /** What was bought: the invoice before a payment is the one it paid. */
  titleOfPayment(message) {
    const amount = message.successful_payment.total_amount;
    const invoices = this.chat.list.filter((one) => one.invoice && one.invoice.total_amount === amount && one.message_id < message.message_id);
    return invoices.at(-1)?.invoice.title ?? "";
  }

  messageMenu(message, x, y) {
    const items = [{ label: t("reply"), icon: icon("reply"), act: () => this.composer.replyTo(message) }];
    const text = plainText(message);
    if (text && !message.has_protected_content) items.push({ label: t("copy_text"), icon: icon("copy"), act: () => this.copy(text) });
    openMenu(this.body, x, y, items, t("more"));
  }

  confirmClear() {
    confirmSheet(this.element, t("clear_sure"), { yes: t("clear"), style: "danger", act: () => this.#try(() => this.chat.clear()), focusBack: this.#focusBack });
  }

  attempt(act) {
    return this.#try(act);
  }

  async #try(act) {
    try {
      return await act();
    } catch (error) {
      this.toast(error.message, "bad");
      return null;
    }
  }
}

// A new tab that knows nothing of this one.
const visit = (href) => window.open(href, "_blank", "noopener,noreferrer");
