// Dialogs and toasts of one chat window: they cover that window only, the other phones stay usable.

import { el } from "./dom.js";
import { t } from "./i18n.js";

const FOCUSABLE = 'button:not([disabled]), [href], input:not([type="hidden"]), select, textarea, [tabindex="0"]';
let count = 0;

/**
 * Opens a dialog over `host` (an element with a `.window-body`). `kind` is `alert`, `sheet` or `viewer`; `actions` are elements below
 * the content. Escape, the backdrop and `close()` close it; the focus goes back through `focusBack(element)`.
 */
export function openSheet(host, { kind = "sheet", title = null, content = [], actions = [], onClose = null, focusBack = null }) {
  const body = host.querySelector(".window-body");
  const before = document.activeElement;
  const id = `sheet-${++count}`;
  const card = el(
    "div",
    { class: `sheet ${kind}`, role: kind === "alert" ? "alertdialog" : "dialog", "aria-modal": "true", "aria-labelledby": title ? `${id}-title` : null, "aria-describedby": `${id}-text`, tabindex: -1 },
    title ? el("h2", { id: `${id}-title`, class: "sheet-title", text: title }) : null,
    el("div", { class: "sheet-content", id: `${id}-text` }, content),
    actions.length > 0 ? el("div", { class: "sheet-actions" }, actions) : null,
  );
  const cover = el("div", { class: `cover cover-${kind}` }, card);
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    cover.remove();
    if (!host.querySelector(".cover")) body.inert = false;
    onClose?.();
    if (focusBack) focusBack(before);
    else if (before?.isConnected) before.focus();
  };
  cover.addEventListener("click", (event) => event.target === cover && close());
  cover.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "Tab") {
      const stops = [...card.querySelectorAll(FOCUSABLE)].filter((one) => one.offsetParent !== null);
      if (stops.length === 0) return event.preventDefault();
      const edge = event.shiftKey ? stops[0] : stops.at(-1);
      if (document.activeElement === edge || document.activeElement === card) {
        event.preventDefault();
        (event.shiftKey ? stops.at(-1) : stops[0]).focus();
      }
    }
  });
  host.append(cover);
  body.inert = true;
  (card.querySelector("[data-first]") ?? card).focus();
  return { close, card, get open() { return open; } };
}

export const sheetButton = (text, onPress, { style = "", first = false } = {}) =>
  el("button", { type: "button", class: `plain-button ${style}`.trim(), text, data: first ? { first: "" } : {}, on: { click: onPress } });

/** Telegram's alert: a sentence and OK. */
export function alertSheet(host, text, focusBack) {
  const sheet = openSheet(host, { kind: "alert", content: [el("p", { class: "alert-text", dir: "auto", text })], actions: [sheetButton(t("ok"), () => sheet.close(), { style: "accent", first: true })], focusBack });
  return sheet;
}

/** Asks yes or no; `act` runs on yes. */
export function confirmSheet(host, text, { detail = null, yes, style = "accent", act, focusBack = null }) {
  const sheet = openSheet(host, {
    kind: "alert",
    content: [el("p", { class: "alert-text", text }), detail ? el("p", { class: "alert-detail", text: detail }) : null].filter(Boolean),
    actions: [
      sheetButton(t("cancel"), () => sheet.close()),
      sheetButton(yes, () => {
        sheet.close();
        act();
      }, { style, first: true }),
    ],
    focusBack,
  });
  return sheet;
}

/** A place for toasts; `say(text)` shows one as long as it takes to read. */
export class Toasts {
  constructor() {
    this.element = el("div", { class: "toasts", role: "status", "aria-live": "polite" });
  }

  say(text, mood = "") {
    const toast = el("div", { class: `toast ${mood}`.trim(), dir: "auto", text });
    this.element.append(toast);
    while (this.element.children.length > 3) this.element.firstElementChild.remove();
    setTimeout(() => toast.classList.add("leaves"), 2600 + Math.min(4000, text.length * 40));
    setTimeout(() => toast.remove(), 2900 + Math.min(4000, text.length * 40));
  }
}

/** A small menu at a point of the page, or under a button. `items`: `{icon?, label, act, style?}` or an element. */
export function openMenu(host, x, y, items, label, { heading = false } = {}) {
  document.querySelector(".menu")?.dispatchEvent(new Event("dismiss"));
  const before = document.activeElement;
  const menu = el("div", { class: "menu", role: "menu", "aria-label": label });
  const close = (back = true) => {
    document.removeEventListener("pointerdown", outside, true);
    menu.remove();
    if (back && before?.isConnected) before.focus();
  };
  const outside = (event) => !menu.contains(event.target) && close(false);
  if (heading) menu.append(el("div", { class: "menu-heading", role: "presentation", text: label }));
  for (const item of items) {
    if (item instanceof Element) menu.append(item);
    else menu.append(el("button", { type: "button", role: "menuitem", class: item.style ?? "", on: { click: () => (close(), item.act()) } }, item.icon ?? null, el("span", { text: item.label })));
  }
  menu.addEventListener("dismiss", () => close(false));
  menu.addEventListener("keydown", (event) => {
    const all = [...menu.querySelectorAll("button, select")];
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.target.tagName !== "SELECT" || event.key === "Home") {
      const at = all.indexOf(document.activeElement);
      const goal = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
      if (goal !== undefined) {
        event.preventDefault();
        all[(goal + all.length) % all.length].focus();
      }
    }
  });
  host.append(menu);
  const frame = host.getBoundingClientRect();
  menu.style.left = `${Math.max(8, Math.min(x - frame.left, frame.width - menu.offsetWidth - 8))}px`;
  menu.style.top = `${Math.max(8, Math.min(y - frame.top, frame.height - menu.offsetHeight - 8))}px`;
  menu.querySelector("button, select")?.focus();
  document.addEventListener("pointerdown", outside, true);
  return close;
}
