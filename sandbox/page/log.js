// The list of messages: in order, with days between them, kept at its end or where the reader is.

import { el, iconButton, moveFocus } from "./dom.js";
import { day, number, t } from "./i18n.js";
import { Bubble } from "./message.js";

const AT_END_PX = 48;

export class Log {
  #bubbles = new Map();
  #pinned = true;
  #top = 0;
  #sizes;

  constructor(chat, acts, name) {
    this.chat = chat;
    this.acts = acts;
    this.inner = el("div", { class: "log-inner" });
    this.list = el("div", { class: "log", role: "log", "aria-label": t("messages_with", { name }), "aria-live": "polite", "aria-relevant": "additions text" }, this.inner);
    this.count = el("span", { class: "count" });
    this.newer = iconButton("down", t("newer"), () => this.toEnd(true), { class: "newer", hidden: true });
    this.newer.append(this.count);
    this.element = el("div", { class: "log-frame" }, this.list, this.newer);
    this.list.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.list.addEventListener("keydown", (event) => this.#keydown(event));
    this.list.addEventListener("contextmenu", (event) => this.#menu(event));
    // Pictures that load, keyboards that grow and panels that open below all keep the end in view.
    this.#sizes = new ResizeObserver(() => this.#pinned && this.toEnd());
    this.#sizes.observe(this.inner);
    this.#sizes.observe(this.list);
  }

  remove() {
    this.#sizes.disconnect();
  }

  bubble(id) {
    return this.#bubbles.get(id);
  }

  /** Makes the drawn list equal to the chat, touching only what differs. */
  sync() {
    const known = new Set(this.chat.messages.keys());
    for (const id of [...this.#bubbles.keys()]) if (!known.has(id)) this.drop(id, false);
    for (const message of this.chat.list) this.#place(message);
    this.#arrange();
  }

  put(message) {
    const isNew = !this.#bubbles.has(message.message_id);
    const row = this.#place(message).row;
    if (isNew) row.classList.add("arrives");
    this.#arrange();
    if (isNew && this.chat.isOwn(message)) this.toEnd();
  }

  drop(id, arrange = true) {
    const bubble = this.#bubbles.get(id);
    if (!bubble) return;
    if (bubble.row.contains(document.activeElement)) this.acts.focusComposer();
    bubble.row.remove();
    this.#bubbles.delete(id);
    if (arrange) this.#arrange();
  }

  toEnd(smooth = false) {
    this.#pinned = true;
    this.list.scrollTo({ top: this.list.scrollHeight, behavior: smooth ? "smooth" : "instant" });
    this.#seen();
  }

  show(id) {
    const row = this.#bubbles.get(id)?.row;
    if (!row) return;
    this.#pinned = false;
    row.scrollIntoView({ block: "center" });
    row.classList.remove("flash");
    void row.offsetWidth;
    row.classList.add("flash");
    this.#focusRow(row);
  }

  /** Focuses the buttons of the newest message that has any; false when there are none. */
  focusLastKeys() {
    for (const { message_id } of this.chat.list.reverse()) if (this.#bubbles.get(message_id)?.focusKey(0, 0)) return true;
    return false;
  }

  redrawKeys() {
    for (const bubble of this.#bubbles.values()) bubble.redrawKeys();
  }

  #place(message) {
    let bubble = this.#bubbles.get(message.message_id);
    if (bubble) {
      bubble.update(message);
      return bubble;
    }
    bubble = new Bubble(message, this.chat, this.acts);
    this.#bubbles.set(message.message_id, bubble);
    const next = [...this.inner.children].find((row) => Number(row.dataset.messageId) > message.message_id);
    this.inner.insertBefore(bubble.row, next ?? null);
    return bubble;
  }

  // Days between messages, and runs of one sender drawn as one.
  #arrange() {
    for (const mark of this.inner.querySelectorAll(".day")) mark.remove();
    let before = null;
    let lastDay = "";
    for (const message of this.chat.list) {
      const row = this.#bubbles.get(message.message_id)?.row;
      if (!row) continue;
      const today = new Date(message.date * 1000).toDateString();
      if (today !== lastDay) this.inner.insertBefore(el("div", { class: "day", role: "separator" }, el("span", { text: day(message.date) })), row);
      const follows = before && today === lastDay && this.chat.isOwn(before) === this.chat.isOwn(message);
      row.classList.toggle("follows", Boolean(follows));
      lastDay = today;
      before = message;
    }
    const rows = this.#rows();
    if (rows.length > 0 && !rows.some((row) => row.tabIndex === 0)) rows.at(-1).tabIndex = 0;
    this.element.classList.toggle("empty", rows.length === 0);
    if (this.#pinned) this.toEnd();
    this.#seen();
  }

  #rows() {
    return [...this.inner.querySelectorAll(".row")];
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.list;
    // Only moving up lets go of the end; a list that merely grew or shrank is brought back to it.
    this.#pinned = scrollHeight - scrollTop - clientHeight < AT_END_PX || (this.#pinned && scrollTop >= this.#top);
    this.#top = scrollTop;
    this.#seen();
  }

  #seen() {
    if (this.#pinned && this.chat.watched && document.visibilityState === "visible") this.chat.read();
    this.newer.hidden = this.#pinned;
    const unread = this.chat.unread;
    this.count.textContent = unread > 0 ? number(unread) : "";
    this.count.hidden = unread === 0;
  }

  #focusRow(row) {
    for (const other of this.#rows()) other.tabIndex = other === row ? 0 : -1;
    row.focus();
  }

  #keydown(event) {
    if (event.key === "Escape") {
      event.preventDefault();
      this.acts.focusComposer();
      return;
    }
    if (!event.target.classList.contains("row")) return;
    if (event.key === "Enter" || event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) {
      event.preventDefault();
      const box = event.target.querySelector(".bubble").getBoundingClientRect();
      this.acts.messageMenu(this.#bubbles.get(Number(event.target.dataset.messageId)).message, box.left + 16, box.top + 16);
      return;
    }
    const rows = this.#rows();
    if (moveFocus(event, rows)) this.#focusRow(document.activeElement);
  }

  #menu(event) {
    // A link or a selection keeps the browser's own menu.
    if (event.target.closest("a, button, img") || !getSelection().isCollapsed) return;
    const row = event.target.closest(".row");
    if (!row || row.classList.contains("service")) return;
    event.preventDefault();
    this.acts.messageMenu(this.#bubbles.get(Number(row.dataset.messageId)).message, event.clientX, event.clientY);
  }
}
