// A burst of confetti over one window; nothing for people who asked for less motion.

import { calm, el } from "./dom.js";

const PIECES = 42;
const LIFE_MS = 1900;

export function confetti(host) {
  if (calm()) return;
  const sky = el("div", { class: "confetti", "aria-hidden": "true" });
  for (let i = 0; i < PIECES; i += 1) {
    const piece = el("i", { class: `piece tint-${i % 6}` });
    piece.style.left = `${50 + (Math.random() - 0.5) * 24}%`;
    piece.style.setProperty("--dx", `${(Math.random() - 0.5) * 90}cqw`);
    piece.style.setProperty("--up", `${-18 - Math.random() * 42}cqh`);
    piece.style.setProperty("--turn", `${(Math.random() - 0.5) * 1440}deg`);
    piece.style.animationDelay = `${Math.random() * 160}ms`;
    sky.append(piece);
  }
  host.append(sky);
  setTimeout(() => sky.remove(), LIFE_MS + 300);
}
