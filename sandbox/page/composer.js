// The foot of a chat: text field, commands, attachments, the reply keyboard, START and Unblock.

import { el, icon, iconButton } from "./dom.js";
import { t } from "./i18n.js";
import { InlineMode } from "./inline.js";
import { replyKeyboard } from "./keyboard.js";
import { plainText } from "./message.js";
import { Suggest } from "./suggest.js";

const TALLEST_PX = 168;

export class Composer {
  #replyTo = null;
  #keysHidden = false;
  #keysOf = "";

  /** `acts`: say(text, replyTo) → promise of success, attach(file), unblock(), start(), toast(text, mood), bots(), sent(message), focusKeys(). */
  constructor(chat, acts, name) {
    this.chat = chat;
    this.acts = acts;
    this.name = name;
    this.field = el("textarea", { class: "field", rows: 1, placeholder: t("message"), "aria-label": t("message"), autocomplete: "off", enterkeyhint: "send", dir: "auto" });
    this.field.value = chat.draft;
    this.suggest = new Suggest(this.field);
    this.inline = new InlineMode(chat, this.suggest, {
      bots: () => acts.bots(),
      onSent: (message) => {
        this.#set("");
        acts.sent(message);
      },
      onError: (sentence) => acts.toast(sentence, "bad"),
    });
    this.picker = el("input", { type: "file", class: "hidden-input", tabindex: -1, "aria-hidden": "true", "aria-label": t("attach") });
    this.slash = iconButton("slash", t("commands"), () => this.#toggleCommands(), { class: "slash", "aria-haspopup": "listbox" });
    this.keys = iconButton("keyboard", t("hide_keyboard"), () => this.#toggleKeys(), { hidden: true, class: "toggle-keys" });
    this.sendButton = iconButton("send", t("send"), () => this.#send(), { class: "send" });
    this.replyBar = el("div", { class: "reply-bar", hidden: true });
    this.keyPlace = el("div", { class: "reply-keys", hidden: true });
    this.line = el("div", { class: "composer-line" }, this.slash, this.field, this.keys, iconButton("attach", t("attach"), () => this.picker.click(), { class: "attach" }), this.sendButton, this.picker);
    this.big = el("button", { type: "button", class: "big-button", hidden: true });
    this.element = el("div", { class: "composer" }, this.suggest.element, this.replyBar, this.line, this.big, this.keyPlace);
    this.#listen();
    this.update();
    requestAnimationFrame(() => this.#grow());
  }

  focus() {
    (this.line.hidden ? this.big : this.field).focus({ preventScroll: true });
  }

  /** Puts words into the field, for the person to finish. */
  fill(text) {
    this.#set(text);
    this.focus();
    this.#typed();
  }

  replyTo(message) {
    this.#replyTo = message;
    this.replyBar.hidden = !message;
    if (!message) return;
    const who = this.chat.isOwn(message) ? t("you") : (message.from?.first_name ?? this.name);
    this.replyBar.replaceChildren(
      icon("reply"),
      el("span", { class: "quoted" }, el("strong", { text: t("reply_to", { name: who }) }), el("span", { text: plainText(message) })),
      iconButton("close", t("cancel_reply"), () => {
        this.replyTo(null);
        this.focus();
      }),
    );
    this.focus();
  }

  /** Draws what depends on the chat's state. */
  update({ keyboard = false } = {}) {
    const { chat } = this;
    const fresh = chat.loaded && !chat.started && ![...chat.messages.values()].some((message) => chat.isOwn(message));
    const held = this.element.contains(document.activeElement);
    const waits = chat.loaded && (chat.blocked || fresh || Boolean(chat.startPayload));
    this.line.hidden = waits;
    this.big.hidden = !waits;
    this.big.className = `big-button ${chat.blocked ? "quiet" : ""}`.trim();
    this.big.textContent = chat.blocked ? t("unblock") : t("start");
    this.slash.hidden = chat.commands.length === 0;
    if (held && (waits ? document.activeElement !== this.big : document.activeElement === this.big || document.activeElement === document.body)) this.focus();
    if (keyboard) this.#keysHidden = false;
    this.#drawKeys(waits);
  }

  #drawKeys(waits) {
    const markup = this.chat.replyKeyboard;
    const has = Boolean(markup?.keyboard?.length) && !waits;
    this.keys.hidden = !has;
    this.keyPlace.hidden = !has || this.#keysHidden;
    this.field.placeholder = (has && markup.input_field_placeholder) || t("message");
    const name = t(this.#keysHidden ? "show_keyboard" : "hide_keyboard");
    this.keys.setAttribute("aria-label", name);
    this.keys.title = name;
    this.keys.setAttribute("aria-pressed", String(!this.#keysHidden));
    const facts = JSON.stringify(has ? markup : null);
    if (facts === this.#keysOf) return;
    this.#keysOf = facts;
    this.keyPlace.replaceChildren();
    if (!has) return;
    this.keyPlace.append(
      replyKeyboard(markup, {
        say: (text) => {
          this.acts.say(text);
          if (markup.one_time_keyboard) this.#toggleKeys();
        },
        cannot: () => this.acts.toast(t("cannot_share"), "bad"),
      }),
    );
  }

  #listen() {
    const { field } = this;
    field.addEventListener("input", () => this.#typed());
    field.addEventListener("keydown", (event) => {
      // While an input method composes (Chinese, Japanese …), Enter belongs to it.
      if (event.isComposing || event.keyCode === 229) return;
      if (this.suggest.key(event)) return;
      if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        this.#send();
      } else if (event.key === "Escape" && this.#replyTo) {
        event.preventDefault();
        this.replyTo(null);
      } else if (event.key === "ArrowUp" && field.value === "" && this.acts.focusKeys()) event.preventDefault();
    });
    field.addEventListener("paste", (event) => {
      const file = event.clipboardData?.files?.[0];
      if (!file) return;
      event.preventDefault();
      this.acts.attach(file);
    });
    field.addEventListener("blur", () => setTimeout(() => document.activeElement !== field && document.activeElement !== this.slash && this.suggest.hide(), 120));
    this.picker.addEventListener("change", () => {
      const file = this.picker.files[0];
      this.picker.value = "";
      if (file) this.acts.attach(file);
    });
    this.big.addEventListener("click", () => (this.chat.blocked ? this.acts.unblock() : this.acts.start()));
  }

  #typed() {
    this.chat.draft = this.field.value;
    this.#grow();
    const text = this.field.value;
    if (this.inline.typed(text)) return;
    const start = /^\/(\w*)$/.exec(text)?.[1];
    if (start === undefined) this.suggest.hide();
    else this.#showCommands(start);
  }

  #showCommands(start) {
    const items = this.chat.commands
      .filter(({ command }) => command.startsWith(start.toLowerCase()))
      .map(({ command, description }) => ({
        title: `/${command}`,
        detail: description,
        choose: () => {
          this.suggest.hide();
          this.#set("");
          this.acts.say(`/${command}`);
        },
        complete: () => {
          this.#set(`/${command} `);
          this.suggest.hide();
        },
      }));
    if (items.length > 0) this.suggest.show(items, t("commands"));
    else this.suggest.hide();
  }

  #toggleCommands() {
    if (this.suggest.open) this.suggest.hide();
    else this.#showCommands("");
    this.field.focus();
  }

  #toggleKeys() {
    this.#keysHidden = !this.#keysHidden;
    this.#drawKeys(false);
  }

  #grow() {
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(TALLEST_PX, this.field.scrollHeight)}px`;
    this.sendButton.classList.toggle("ready", this.field.value.trim() !== "");
  }

  #set(text) {
    this.field.value = text;
    this.chat.draft = text;
    this.inline.stop();
    this.#grow();
  }

  async #send() {
    const text = this.field.value.trim();
    if (!text) return;
    const replyTo = this.#replyTo;
    this.#set("");
    this.suggest.hide();
    this.replyTo(null);
    this.field.focus();
    const sent = await this.acts.say(text, replyTo?.message_id);
    // What could not be sent comes back, unless the person already types something else.
    if (!sent && this.field.value === "") {
      this.#set(text);
      if (replyTo) this.replyTo(replyTo);
    }
  }
}
