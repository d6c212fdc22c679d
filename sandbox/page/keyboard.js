// Keyboards: the buttons under a message, and the ones that stand in for typing.

import { el, icon, moveFocus } from "./dom.js";
import { price, t } from "./i18n.js";

const ICONS = [
  ["url", "link"],
  ["login_url", "link"],
  ["copy_text", "copy"],
  ["pay", "card"],
  ["web_app", "window"],
  ["switch_inline_query", "share"],
  ["switch_inline_query_chosen_chat", "share"],
  ["switch_inline_query_current_chat", "share"],
];

const STYLES = new Set(["primary", "success", "danger"]);

/** The rows of an inline keyboard; an invoice without one has Telegram's own pay button. */
export function inlineRows(message) {
  const rows = message.reply_markup?.inline_keyboard;
  if (rows?.length) return rows;
  if (message.invoice) return [[{ text: t("pay", { price: price(message.invoice.total_amount, message.invoice.currency) }), pay: true }]];
  return [];
}

/**
 * Draws an inline keyboard. It is one stop of the Tab key; arrows move inside it. `press(button, row, column)` does the work,
 * `busy` is the set of cells ("row:column") that still wait for an answer.
 */
export function inlineKeyboard(rows, { press, busy }) {
  const grid = el("div", { class: "keyboard", role: "group" });
  const cells = rows.map((row, r) => row.map((button, c) => cell(button, r, c, { press, busy })));
  for (const row of cells) grid.append(el("div", { class: "keyboard-row" }, row));
  const all = cells.flat();
  if (all.length > 0) all[0].tabIndex = 0;
  grid.addEventListener("focusin", (event) => {
    for (const one of all) one.tabIndex = one === event.target ? 0 : -1;
  });
  grid.addEventListener("keydown", (event) => {
    const at = event.target.dataset?.cell?.split(":").map(Number);
    if (!at) return;
    const [r, c] = at;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const row = cells[r + (event.key === "ArrowDown" ? 1 : -1)];
      if (!row) return;
      event.preventDefault();
      // The button that lies below or above this one, also when rows have different widths.
      row[Math.min(row.length - 1, Math.floor(((c + 0.5) / cells[r].length) * row.length))].focus();
    } else moveFocus(event, all, { next: "ArrowRight", previous: "ArrowLeft" });
  });
  return grid;
}

function cell(button, row, column, { press, busy }) {
  const kind = ICONS.find(([field]) => button[field] !== undefined && button[field] !== null && button[field] !== false);
  const style = STYLES.has(button.style) ? button.style : "";
  const key = `${row}:${column}`;
  const made = el(
    "button",
    {
      type: "button",
      class: `key ${style} ${busy.has(key) ? "busy" : ""}`.trim(),
      tabindex: -1,
      title: button.text,
      data: { cell: key, action: kind?.[0] ?? "callback_data" },
      // Not the attribute `disabled`: the keyboard can still reach it and hear that it is sold out.
      "aria-disabled": button.disabled ? "true" : null,
      "aria-busy": busy.has(key) ? "true" : null,
    },
    el("span", { class: "key-text", dir: "auto", text: button.text }),
    kind ? icon(kind[1]) : null,
    el("span", { class: "spinner", "aria-hidden": "true" }),
  );
  made.addEventListener("click", () => {
    if (made.getAttribute("aria-disabled") === "true" || busy.has(key)) return;
    press(button, row, column);
  });
  return made;
}

/** Marks a cell of a drawn keyboard as waiting, or no longer. */
export function markBusy(grid, row, column, waiting) {
  const button = grid?.querySelector(`[data-cell="${row}:${column}"]`);
  button?.classList.toggle("busy", waiting);
  if (waiting) button?.setAttribute("aria-busy", "true");
  else button?.removeAttribute("aria-busy");
}

/** Draws a reply keyboard; `say(text)` sends what a button says, `cannot()` tells that contacts and places cannot be shared. */
export function replyKeyboard(markup, { say, cannot }) {
  const grid = el("div", { class: "reply-keyboard", role: "group", "aria-label": t("show_keyboard") });
  if (!markup.resize_keyboard) grid.classList.add("tall");
  for (const row of markup.keyboard ?? []) {
    const line = el("div", { class: "keyboard-row" });
    for (const button of row) {
      const facts = typeof button === "string" ? { text: button } : button;
      const asks = Object.keys(facts).some((name) => name.startsWith("request_") && facts[name]) || facts.web_app;
      line.append(
        el(
          "button",
          { type: "button", class: `reply-key ${STYLES.has(facts.style) ? facts.style : ""}`.trim(), title: facts.text, on: { click: () => (asks ? cannot() : say(facts.text)) } },
          el("span", { class: "key-text", dir: "auto", text: facts.text }),
        ),
      );
    }
    grid.append(line);
  }
  grid.addEventListener("keydown", (event) => {
    const all = [...grid.querySelectorAll("button")];
    moveFocus(event, all, { next: "ArrowRight", previous: "ArrowLeft" });
  });
  return grid;
}
