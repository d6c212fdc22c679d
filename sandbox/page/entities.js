// Formatted text: Telegram's entities (offsets in UTF-16 units, as JavaScript counts) become elements and text nodes.

import { el, iconButton } from "./dom.js";
import { clock, day, t } from "./i18n.js";

const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);
const PLAIN = { bold: "strong", italic: "em", underline: "u", strikethrough: "s" };

/**
 * Draws `text` with its entities. `acts` offers what a press may do: `say(text)`, `follow(url, shown)`, `copy(text)`, `mention(name)`;
 * `hidden` says whether spoilers are still closed, `reveal()` opens those of the whole message, as Telegram does.
 */
export function formatted(text, entities, { acts, hidden, reveal }) {
  // Outer before inner: an earlier start first, of the same start the longer one, and of the same words a cover over what it covers.
  const sorted = [...(entities ?? [])].filter((entity) => entity.length > 0).sort((a, b) => a.offset - b.offset || b.length - a.length || depth(a) - depth(b));
  return stretch(text, 0, text.length, sorted, { acts, hidden, reveal });
}

const depth = ({ type }) => (BLOCKS.has(type) ? 0 : type === "spoiler" ? 1 : type === "code" ? 3 : 2);

function stretch(text, from, to, entities, ways) {
  const drawn = document.createDocumentFragment();
  const rest = [...entities];
  let at = from;
  while (rest.length > 0) {
    const entity = rest.shift();
    const start = Math.max(entity.offset, at);
    const end = Math.min(entity.offset + entity.length, to);
    if (start >= end) continue;
    drawn.append(text.slice(at, start));
    const inner = [];
    const after = [];
    for (const other of rest) {
      if (other.offset >= end) after.push(other);
      else {
        inner.push(other);
        // An entity that only overlaps goes on behind this one.
        const over = other.offset + other.length - end;
        if (over > 0) after.push({ ...other, offset: end, length: over });
      }
    }
    drawn.append(element(entity, text.slice(start, end), stretch(text, start, end, inner, ways), ways));
    at = end;
    // A block ends its line itself; the line feed behind it would draw an empty one.
    if (BLOCKS.has(entity.type) && text[at] === "\n") at += 1;
    rest.splice(0, rest.length, ...after);
  }
  drawn.append(text.slice(at, to));
  return drawn;
}

/** Makes something that is not a button by nature work as one for mouse and keyboard. */
function pressable(made, act) {
  made.addEventListener("click", (event) => {
    event.preventDefault();
    act(event);
  });
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    act(event);
  });
  return made;
}

function link(content, address, shown, acts) {
  // The href is only for show and for the reader's eye on the status line: following goes through `acts`, which checks the address.
  return pressable(el("a", { href: "#", class: "link", title: address, role: "link" }, content), () => acts.follow(address, shown));
}

function element(entity, raw, content, { acts, hidden, reveal }) {
  switch (entity.type) {
    case "bold":
    case "italic":
    case "underline":
    case "strikethrough":
      return el(PLAIN[entity.type], {}, content);
    case "code":
      return acts.protected
        ? el("code", {}, content)
        : pressable(el("code", { role: "button", tabindex: 0, title: t("copy") }, content), () => !hidden() && acts.copy(raw));
    case "pre": {
      const bar = el("span", { class: "pre-bar" }, el("span", { text: entity.language ?? "" }), acts.protected ? null : iconButton("copy", t("copy"), () => acts.copy(raw)));
      return el("div", { class: "pre" }, bar, el("pre", { tabindex: 0 }, content));
    }
    case "spoiler":
      return spoiler(content, hidden, reveal);
    case "blockquote":
      return el("blockquote", {}, content);
    case "expandable_blockquote":
      return expandable(content);
    case "url":
      return link(content, raw, raw, acts);
    case "text_link":
      return link(content, entity.url ?? "", raw, acts);
    case "email":
      return link(content, `mailto:${raw}`, raw, acts);
    case "mention":
      return pressable(el("a", { href: "#", class: "link" }, content), () => acts.mention(raw.slice(1)));
    case "bot_command":
      return pressable(el("a", { href: "#", class: "link command" }, content), () => acts.say(raw));
    case "date_time": {
      const when = entity.unix_time;
      return when ? el("time", { class: "soft", title: `${day(when)} ${clock(when)}` }, content) : el("span", {}, content);
    }
    case "hashtag":
    case "cashtag":
    case "phone_number":
    case "text_mention":
      return el("span", { class: "soft" }, content);
    default:
      return el("span", {}, content);
  }
}

function spoiler(content, hidden, reveal) {
  const inside = el("span", { class: "spoiler-inside" }, content);
  const cover = el("span", { class: "spoiler" }, inside);
  if (!hidden()) {
    cover.classList.add("shown");
    return cover;
  }
  cover.setAttribute("role", "button");
  cover.setAttribute("tabindex", "0");
  cover.setAttribute("aria-label", t("hidden_text"));
  inside.setAttribute("aria-hidden", "true");
  // What lies under the cover cannot be focused, followed or copied before it is opened.
  inside.setAttribute("inert", "");
  pressable(cover, (event) => {
    if (!hidden()) return;
    event.stopPropagation();
    reveal();
  });
  return cover;
}

/** Opens the covers inside `root` in place, so that nothing jumps and the focus stays. */
export function uncover(root) {
  for (const cover of root.querySelectorAll(".spoiler:not(.shown)")) {
    cover.classList.add("shown");
    for (const attribute of ["role", "aria-label"]) cover.removeAttribute(attribute);
    cover.setAttribute("tabindex", "-1");
    cover.firstElementChild.removeAttribute("aria-hidden");
    cover.firstElementChild.removeAttribute("inert");
  }
}

function expandable(content) {
  const quote = el("blockquote", { class: "expandable" }, el("div", { class: "quote-text" }, content));
  const toggle = el("button", { type: "button", class: "quote-toggle", "aria-expanded": "false", text: t("expand") });
  toggle.addEventListener("click", () => {
    const open = quote.classList.toggle("open");
    toggle.setAttribute("aria-expanded", String(open));
    toggle.textContent = t(open ? "collapse" : "expand");
  });
  quote.append(toggle);
  return quote;
}

// One to three emoji alone are drawn large.
const ONLY_EMOJI = /^(?:\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier})?(?:\u200D\p{Extended_Pictographic}\uFE0F?)*\s?){1,3}$/u;
export const onlyEmoji = (text, entities) => !entities?.length && text.length <= 24 && ONLY_EMOJI.test(text);
