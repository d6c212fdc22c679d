// One message: its bubble, and how it changes in place.

import { avatar } from "./avatar.js";
import { api } from "./api.js";
import { el, icon } from "./dom.js";
import { formatted, onlyEmoji, uncover } from "./entities.js";
import { glimpse, rich } from "./rich.js";
import { bytes, clock, price, t } from "./i18n.js";
import { inlineKeyboard, inlineRows, markBusy } from "./keyboard.js";

const SERVICE = ["successful_payment", "refunded_payment", "pinned_message"];
const FILES = ["document", "video", "audio", "voice", "animation", "sticker", "video_note"];

/** The words of a message as plain text: for copying, replies and screen readers. */
export function plainText(message) {
  const file = FILES.map((kind) => message[kind]).find(Boolean);
  return message.text ?? message.caption ?? (message.rich_message ? glimpse(message.rich_message) : undefined) ?? message.invoice?.title ?? file?.file_name ?? (message.photo ? t("photo") : "");
}

export class Bubble {
  #text = "";
  #keys = "";
  #grid = null;

  /** `acts` is what the window around it can do: press, say, follow, copy, pay, openFile, openPhoto, showMessage, mention. */
  constructor(message, chat, acts) {
    this.chat = chat;
    this.acts = acts;
    this.bubble = el("div", { class: "bubble" });
    this.row = el("div", { class: "row", role: "article", tabindex: -1, data: { messageId: message.message_id } }, el("div", { class: "stack" }, this.bubble));
    this.update(message);
  }

  /** Draws what changed and leaves the rest, so that an edit neither jumps nor takes the focus away. */
  update(message) {
    this.message = message;
    const own = this.chat.isOwn(message);
    const service = SERVICE.some((kind) => message[kind]);
    this.row.className = `row ${service ? "service" : own ? "own" : "theirs"} ${message.has_protected_content ? "protected" : ""}`.trim();
    this.row.setAttribute("aria-label", `${own ? t("you") : (message.from?.first_name ?? t("bot"))}, ${clock(message.date)}`);
    const { reply_markup: markup, ...words } = message;
    const text = JSON.stringify([words, Boolean(markup)]);
    if (text !== this.#text) {
      const was = this.#text && JSON.parse(this.#text)[0];
      // New words are covered again; a mere change of buttons leaves opened spoilers open.
      if (was && (was.text !== message.text || was.caption !== message.caption)) this.chat.revealed.delete(message.message_id);
      this.#text = text;
      this.#drawText(message, own, service);
    }
    this.#drawKeys(message);
  }

  redrawKeys() {
    this.#keys = "";
    this.#drawKeys(this.message);
  }

  markBusy(row, column, waiting) {
    markBusy(this.#grid, row, column, waiting);
  }

  focusKey(row, column) {
    const grid = this.#grid;
    const key = grid?.querySelector(`[data-cell="${row}:${column}"]`) ?? grid?.querySelector(".key");
    key?.focus();
    return Boolean(key);
  }

  #drawText(message, own, service) {
    const held = this.bubble.contains(document.activeElement);
    this.bubble.replaceChildren(...(service ? [this.#service(message)] : this.#parts(message, own)));
    this.bubble.classList.toggle("photo-first", Boolean(message.photo && !message.reply_to_message && !message.via_bot));
    this.bubble.classList.toggle("jumbo", onlyEmoji(message.text ?? "", message.entities));
    if (held) this.row.focus();
  }

  #parts(message, own) {
    const parts = [];
    if (!own && message.chat?.type === "supergroup") parts.push(el("div", { class: "sender", dir: "auto", text: message.from?.first_name ?? "" }));
    if (message.forward_origin) parts.push(el("div", { class: "origin", text: t("forwarded") }));
    if (message.via_bot) parts.push(el("div", { class: "origin", text: t("via", { bot: message.via_bot.username ?? "" }) }));
    if (message.reply_to_message) parts.push(this.#quoted(message.reply_to_message));
    const words = this.#words(message);
    const media = this.#media(message);
    if (message.show_caption_above_media) parts.push(words, media);
    else parts.push(media, words);
    if (!words && !media) parts.push(el("div", { class: "unsupported", text: t("unsupported") }));
    const keyed = Boolean(message.reply_markup?.inline_keyboard?.length);
    // Telegram keeps quiet about edits of a bot's screens, which are edited at every press.
    const edited = message.edit_date && !keyed && !message.invoice ? `${t("edited")} ` : "";
    parts.push(el("div", { class: "meta" }, el("time", { datetime: new Date(message.date * 1000).toISOString(), text: edited + clock(message.date) }), own ? icon("check") : null));
    return parts.filter(Boolean);
  }

  #words(message) {
    if (message.rich_message) return rich(message.rich_message, Object.assign(Object.create(this.acts), { protected: message.has_protected_content === true }));
    const text = message.text ?? message.caption;
    if (text === undefined) return null;
    const id = message.message_id;
    const hidden = () => !this.chat.revealed.get(id);
    const reveal = () => {
      this.chat.revealed.set(id, true);
      uncover(this.bubble);
    };
    const acts = Object.assign(Object.create(this.acts), { protected: message.has_protected_content === true });
    return el("div", { class: "text", dir: "auto" }, formatted(text, message.entities ?? message.caption_entities, { acts, hidden, reveal }));
  }

  #media(message) {
    if (message.photo?.length) return this.#photo(message);
    if (message.invoice) return this.#invoice(message.invoice);
    for (const kind of FILES) if (message[kind]) return this.#file(message, message[kind]);
    return null;
  }

  #photo(message) {
    const largest = message.photo.reduce((a, b) => (b.width * b.height > a.width * a.height ? b : a));
    const image = el("img", { src: api.file(this.chat.phone.id, largest.file_id), alt: message.caption ?? t("photo"), width: largest.width, height: largest.height, loading: "lazy", draggable: "false" });
    const made = el("button", { type: "button", class: `photo ${message.has_media_spoiler ? "veiled" : ""}`.trim(), "aria-label": `${t("open")}: ${t("photo")}` }, image);
    made.addEventListener("click", () => {
      if (made.classList.contains("veiled")) made.classList.remove("veiled");
      else this.acts.openPhoto(largest.file_id, message);
    });
    return made;
  }

  #file(message, file) {
    const name = file.file_name ?? t("file");
    const extension = /\.([a-z0-9]{1,5})$/i.exec(name)?.[1] ?? "";
    return el(
      "div",
      { class: "file" },
      el(
        "button",
        { type: "button", class: "file-open", "aria-label": `${t("open")} ${name}`, on: { click: () => this.acts.openFile(file, message) } },
        el("span", { class: "file-icon", "aria-hidden": "true" }, icon("file"), el("span", { text: extension })),
        el("span", { class: "file-facts" }, el("span", { class: "file-name", text: name }), el("span", { class: "file-size", text: bytes(file.file_size) })),
      ),
      message.has_protected_content ? null : el("a", { class: "icon-button", href: api.file(this.chat.phone.id, file.file_id), download: name, "aria-label": `${t("download")} ${name}`, title: t("download") }, icon("download")),
    );
  }

  #invoice(invoice) {
    return el(
      "div",
      { class: "invoice" },
      avatar(invoice.title, "large"),
      el("div", { class: "invoice-facts" }, el("strong", { text: invoice.title }), el("span", { class: "invoice-price", text: price(invoice.total_amount, invoice.currency) })),
      el("div", { class: "invoice-about", dir: "auto", text: invoice.description }),
    );
  }

  #quoted(message) {
    const made = el("button", { type: "button", class: "quoted" }, el("strong", { text: this.chat.isOwn(message) ? t("you") : (message.from?.first_name ?? "") }), el("span", { text: plainText(message) }));
    made.addEventListener("click", () => this.acts.showMessage(message.message_id));
    return made;
  }

  #service(message) {
    const paid = message.successful_payment;
    const back = message.refunded_payment;
    let text = t("unsupported");
    if (paid) text = t("paid_note", { price: price(paid.total_amount, paid.currency), title: this.acts.titleOfPayment(message) });
    else if (back) text = t("refunded_note", { price: price(back.total_amount, back.currency) });
    else if (message.pinned_message) text = `📌 ${plainText(message.pinned_message)}`;
    return el("span", { class: "note", text });
  }

  #drawKeys(message) {
    const rows = inlineRows(message);
    const keys = JSON.stringify(rows);
    if (keys === this.#keys) return;
    const first = this.#keys === "";
    this.#keys = keys;
    const held = this.#grid?.contains(document.activeElement) ? document.activeElement.dataset.cell?.split(":") : null;
    // Other buttons stand here now, so nothing of the old ones is awaited any more.
    if (!first) this.acts.forgetBusy(message.message_id);
    this.#grid?.remove();
    this.#grid = null;
    if (rows.length > 0) {
      this.#grid = inlineKeyboard(rows, { press: (button, row, column) => this.acts.press(message, button, row, column), busy: this.acts.busyCells(message.message_id) });
      this.bubble.after(this.#grid);
    }
    this.row.classList.toggle("keyed", rows.length > 0);
    if (held && !this.focusKey(...held)) this.row.focus();
  }
}
