// A face for a name: initials on a colour that is always the same for that name.

import { el } from "./dom.js";

// Hues whose colours (tokens.css) carry white text with enough contrast.
const HUES = 7;

export function avatar(name, size = "") {
  const words = String(name ?? "").trim().split(/\s+/).filter(Boolean);
  const initials = words.slice(0, 2).map((word) => [...word][0]).join("").toUpperCase() || "?";
  let sum = 0;
  for (const sign of String(name)) sum = (sum * 31 + sign.codePointAt(0)) % 9973;
  return el("span", { class: `avatar hue-${sum % HUES} ${size}`.trim(), "aria-hidden": "true", text: initials });
}
