// Rich messages: paragraphs, headings and tables, drawn from their blocks.

import { el } from "./dom.js";

const TAGS = { bold: "b", italic: "i", underline: "u", strikethrough: "s", spoiler: "span" };

/** What is drawn for a rich message; `acts.copy(text)` copies what is in fixed width. */
export function rich(message, acts) {
  return el("div", { class: "rich", dir: message.is_rtl ? "rtl" : "auto" }, (message.blocks ?? []).map((block) => drawn(block, acts)));
}

/** A rich message as one line, for where only a glimpse of it is shown. */
export function glimpse(message) {
  const first = (message.blocks ?? []).find((block) => block.text);
  return first ? plain(first.text) : "";
}

function drawn(block, acts) {
  if (block.type === "heading") return el(`h${Math.min(6, Math.max(1, block.size ?? 3))}`, { class: "rich-heading" }, words(block.text, acts));
  if (block.type === "divider") return el("hr");
  if (block.type === "table") return table(block, acts);
  return el("p", { class: block.type === "footer" ? "rich-footer" : "rich-text" }, words(block.text, acts));
}

function table(block, acts) {
  const looks = ["rich-table", block.is_striped && "striped", block.is_bordered && "bordered", block.is_compact && "compact"].filter(Boolean).join(" ");
  const rows = (block.cells ?? []).map((row) =>
    el(
      "tr",
      {},
      row.map((cell) =>
        el(cell.is_header ? "th" : "td", { class: `to-${cell.align}`, colspan: cell.colspan ?? null, rowspan: cell.rowspan ?? null }, words(cell.text, acts)),
      ),
    ),
  );
  return el("div", { class: "rich-wide" }, el("table", { class: looks }, block.caption ? el("caption", {}, words(block.caption, acts)) : null, rows));
}

function words(text, acts) {
  if (text === undefined || text === null) return [];
  if (typeof text === "string") return [text];
  if (Array.isArray(text)) return text.flatMap((part) => words(part, acts));
  if (text.type !== "code") return [el(TAGS[text.type] ?? "span", {}, words(text.text, acts))];
  const copy = () => acts.copy(plain(text.text));
  const on = { click: copy, keydown: (event) => (event.key === "Enter" || event.key === " ") && (event.preventDefault(), copy()) };
  return [acts.protected ? el("code", {}, words(text.text, acts)) : el("code", { role: "button", tabindex: "0", on }, words(text.text, acts))];
}

function plain(text) {
  if (typeof text === "string") return text;
  if (Array.isArray(text)) return text.map(plain).join("");
  return text?.text === undefined ? "" : plain(text.text);
}
