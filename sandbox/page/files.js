// Files: a viewer for text, tables and photos, and the sheet that sends one.

import { api } from "./api.js";
import { el, icon } from "./dom.js";
import { bytes, t } from "./i18n.js";
import { openSheet, sheetButton } from "./sheet.js";

const READABLE = /\.(txt|csv|tsv|json|md|log|yaml|yml|xml|ini|py|html|htm)$/i;
const SHOWN_BYTES = 200_000;
const SHOWN_ROWS = 500;

const isReadable = (file) => READABLE.test(file.file_name ?? "") || /^(text\/|application\/json)/.test(file.mime_type ?? "");

const downloadLink = (href, name) => el("a", { class: "plain-button", href, download: name, text: t("download") });

/** Opens a text or CSV file in the viewer; anything else is downloaded. */
export async function openFile(host, phone, file, { isProtected, focusBack }) {
  const href = api.file(phone.id, file.file_id);
  const name = file.file_name ?? t("file");
  if (!isReadable(file)) {
    if (!isProtected) {
      const link = el("a", { href, download: name });
      link.click();
    }
    return;
  }
  const place = el("div", { class: "viewer-place", tabindex: 0, data: { first: "" } }, el("p", { class: "faint", text: t("loading") }));
  const sheet = openSheet(host, {
    kind: "viewer",
    title: name,
    content: [place],
    actions: [isProtected ? null : downloadLink(href, name), sheetButton(t("close"), () => sheet.close(), { style: "accent" })].filter(Boolean),
    focusBack,
  });
  if (isProtected) place.classList.add("protected");
  try {
    const answer = await fetch(href);
    if (!answer.ok) throw new Error(`${answer.status}`);
    const all = await answer.arrayBuffer();
    const text = new TextDecoder("utf-8").decode(all.slice(0, SHOWN_BYTES));
    const table = /\.(csv|tsv)$/i.test(name) ? readTable(text, /\.tsv$/i.test(name) ? "\t" : ",") : null;
    const long = all.byteLength > SHOWN_BYTES || (table && table.length > SHOWN_ROWS);
    place.replaceChildren(table ? drawTable(table.slice(0, SHOWN_ROWS)) : el("pre", { dir: "auto", text }), long ? el("p", { class: "faint", text: t("too_long") }) : "");
  } catch (error) {
    place.replaceChildren(el("p", { class: "bad", text: String(error.message) }));
  }
}

function drawTable(rows) {
  const [head, ...rest] = rows;
  const line = (cells, tag) => el("tr", {}, cells.map((cell) => el(tag, { text: cell })));
  return el("table", {}, el("thead", {}, line(head ?? [], "th")), el("tbody", {}, rest.map((cells) => line(cells, "td"))));
}

/** CSV as RFC 4180 has it: quoted cells may hold separators, line feeds and doubled quotes. */
export function readTable(text, separator = ",") {
  const rows = [];
  let row = [];
  let cell = "";
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const sign = text[i];
    if (quoted) {
      if (sign === '"' && text[i + 1] === '"') cell += text[(i += 1)];
      else if (sign === '"') quoted = false;
      else cell += sign;
    } else if (sign === '"' && cell === "") quoted = true;
    else if (sign === separator) {
      row.push(cell);
      cell = "";
    } else if (sign === "\n" || sign === "\r") {
      if (sign === "\r" && text[i + 1] === "\n") i += 1;
      rows.push([...row, cell]);
      row = [];
      cell = "";
    } else cell += sign;
  }
  if (cell !== "" || row.length > 0) rows.push([...row, cell]);
  return rows;
}

/** Shows a photo in full. */
export function openPhoto(host, phone, file_id, caption, focusBack) {
  const sheet = openSheet(host, {
    kind: "viewer",
    title: t("photo"),
    content: [el("img", { class: "full-photo", src: api.file(phone.id, file_id), alt: caption || t("photo") })],
    actions: [sheetButton(t("close"), () => sheet.close(), { style: "accent", first: true })],
    focusBack,
  });
}

/** Asks how to send a file and sends it; `onSent(message)` gets the message. */
export function openSendSheet(host, chat, file, { onSent, focusBack }) {
  const isPicture = /^image\/(png|jpeg|webp|gif)$/.test(file.type);
  const caption = el("input", { type: "text", class: "field", maxlength: 1024, placeholder: t("caption"), "aria-label": t("caption"), data: { first: "" } });
  const choice = (value, label, checked) => el("label", { class: "choice" }, el("input", { type: "radio", name: "as", value, checked }), el("span", { text: label }));
  const kinds = el("div", { class: "choices", role: "radiogroup", "aria-label": t("send_as") }, isPicture ? choice("photo", t("as_photo"), true) : null, choice("document", t("as_document"), !isPicture));
  const bar = el("progress", { class: "progress", max: 1, value: 0, hidden: true, "aria-label": t("sending", { name: file.name }) });
  const status = el("p", { class: "pay-status", role: "status" });
  const send = sheetButton(t("send"), start, { style: "accent" });
  const picture = isPicture ? el("img", { class: "send-preview", src: URL.createObjectURL(file), alt: "" }) : null;
  const sheet = openSheet(host, {
    title: t("send_as"),
    content: [
      picture ?? el("div", { class: "file" }, el("span", { class: "file-icon", "aria-hidden": "true" }, icon("file")), el("span", { class: "file-facts" }, el("span", { class: "file-name", text: file.name }), el("span", { class: "file-size", text: bytes(file.size) }))),
      kinds,
      caption,
      bar,
      status,
    ],
    actions: [sheetButton(t("cancel"), () => sheet.close()), send],
    focusBack,
    onClose: () => picture && URL.revokeObjectURL(picture.src),
  });
  caption.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    start();
  });

  async function start() {
    if (send.disabled) return;
    send.disabled = true;
    bar.hidden = false;
    status.className = "pay-status";
    status.textContent = t("sending", { name: file.name });
    try {
      const as = kinds.querySelector("input:checked").value;
      const { message } = await api.upload(chat.phone.id, chat.bot, file, { as, caption: caption.value.trim() }, (part) => {
        bar.value = part;
      });
      sheet.close();
      onSent(message);
    } catch (error) {
      send.disabled = false;
      bar.hidden = true;
      status.className = "pay-status bad";
      status.textContent = error.message;
    }
  }
}
