// The panel that makes Telegram misbehave, and the badge that says so while it does.

import { api } from "./api.js";
import { el, icon, iconButton } from "./dom.js";
import { number, t } from "./i18n.js";

const COUNTS = [
  ["too_many_requests", "too_many"],
  ["server_errors", "server_errors"],
  ["drop_after_commit", "drop"],
];
const SWITCHES = [
  ["offline", "offline"],
  ["duplicate_updates", "duplicate"],
];
const SLOW_MS = [0, 300, 1000, 3000, 8000];
const LOOK_AGAIN_MS = 2000;

export class Faults extends EventTarget {
  /** What the sandbox has switched on just now; `changed` is told at every change. */
  constructor(desk) {
    super();
    this.desk = desk;
    this.now = {};
    this.wereBlocked = "";
    // "The next n calls" runs down by itself.
    setInterval(() => this.on > 0 && document.visibilityState === "visible" && this.look(), LOOK_AGAIN_MS);
  }

  take(facts) {
    const { kind, ...now } = facts;
    if (JSON.stringify(now) === JSON.stringify(this.now)) return;
    this.now = now;
    this.dispatchEvent(new Event("changed"));
  }

  get blocked() {
    return this.desk.phones.flatMap((phone) => [...phone.chats.values()].filter((chat) => chat.blocked).map((chat) => [phone, chat]));
  }

  /** Says so when a phone has blocked its bot or let it in again. */
  lookAtBlocked() {
    const blocked = this.blocked.map(([phone, chat]) => `${phone.id} ${chat.bot}`).join();
    if (blocked === this.wereBlocked) return;
    this.wereBlocked = blocked;
    this.dispatchEvent(new Event("changed"));
  }

  /** How many kinds of fault are on, blocked bots among them. */
  get on() {
    const { slow_ms: slow } = this.now;
    return (slow > 0 ? 1 : 0) + COUNTS.filter(([key]) => this.now[key] > 0).length + SWITCHES.filter(([key]) => this.now[key]).length + this.blocked.length;
  }

  async look() {
    this.take(await api.faults().catch(() => this.now));
  }

  async change(facts) {
    this.take(await api.changeFaults(facts));
  }

  async allOff() {
    await this.change({ slow_ms: 0, too_many_requests: 0, server_errors: 0, offline: false, drop_after_commit: 0, duplicate_updates: false });
    for (const [, chat] of this.blocked) await chat.block(false);
  }
}

/** The button that opens the panel; it wears the badge. */
export function faultButton(faults, panel) {
  const count = el("span", { class: "count" });
  const button = el("button", { type: "button", class: "fault-button", "aria-haspopup": "dialog", "aria-expanded": "false" }, icon("fault"), el("span", { class: "fault-label", text: t("faults") }), count);
  const draw = () => {
    const { on } = faults;
    count.textContent = number(on);
    count.hidden = on === 0;
    button.classList.toggle("on", on > 0);
    const name = on > 0 ? t("faults_on", { n: number(on) }) : t("faults");
    button.setAttribute("aria-label", name);
    button.title = name;
  };
  faults.addEventListener("changed", draw);
  draw();
  button.addEventListener("click", () => panel.toggle(button));
  return button;
}

export class FaultPanel {
  #opener = null;

  constructor(faults, desk) {
    this.faults = faults;
    this.desk = desk;
    this.status = el("p", { class: "fault-status", role: "status", "aria-live": "polite" });
    this.list = el("div", { class: "fault-list" });
    this.element = el(
      "aside",
      { class: "fault-panel", role: "dialog", "aria-label": t("faults"), tabindex: -1, hidden: true },
      el("header", { class: "fault-head" }, icon("fault"), el("h2", { text: t("faults") }), iconButton("close", t("close"), () => this.close())),
      el("p", { class: "faint", text: t("faults_note") }),
      this.list,
      el(
        "div",
        { class: "fault-foot" },
        el("button", { type: "button", class: "plain-button danger", text: t("crash"), on: { click: () => this.#crash() } }),
        el("button", { type: "button", class: "plain-button", text: t("all_off"), on: { click: () => this.#try(() => faults.allOff()) } }),
      ),
      this.status,
    );
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.close();
    });
    faults.addEventListener("changed", () => !this.element.hidden && this.#draw());
  }

  toggle(opener) {
    if (!this.element.hidden) return this.close();
    this.#opener = opener;
    opener.setAttribute("aria-expanded", "true");
    this.element.hidden = false;
    this.status.textContent = "";
    this.faults.look();
    this.#draw();
    this.element.focus();
  }

  close() {
    this.element.hidden = true;
    this.#opener?.setAttribute("aria-expanded", "false");
    this.#opener?.focus();
  }

  #draw() {
    const { now } = this.faults;
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.fault : null;
    const slow = el("select", { class: "field", "aria-label": t("slow"), data: { fault: "slow_ms" } });
    const steps = SLOW_MS.includes(now.slow_ms ?? 0) ? SLOW_MS : [...SLOW_MS, now.slow_ms].sort((a, b) => a - b);
    for (const ms of steps) slow.append(el("option", { value: ms, selected: ms === (now.slow_ms ?? 0), text: ms === 0 ? t("none") : `${number(ms / 1000)} s` }));
    slow.addEventListener("change", () => this.#change({ slow_ms: Number(slow.value) }));
    const lines = [line(t("slow"), slow)];
    for (const [key, word] of COUNTS) {
      lines.push(line(t(word), this.#stepper(key, t(word), now[key] ?? 0, 0), t("next_calls")));
      if (key === "too_many_requests" && now[key] > 0) lines.push(line(t("retry_after"), this.#stepper("retry_after", t("retry_after"), now.retry_after ?? 2, 1), "", "inner"));
    }
    for (const [key, word] of SWITCHES) lines.push(line(t(word), toggle(key, t(word), Boolean(now[key]), (on) => this.#change({ [key]: on }))));
    for (const phone of this.desk.open) {
      if (!phone.bot) continue;
      const chat = phone.chat(phone.bot);
      const word = t("blocked_by", { name: phone.title });
      lines.push(line(word, toggle(`block-${phone.id}`, word, chat.blocked, (on) => this.#try(() => chat.block(on)))));
    }
    this.list.replaceChildren(...lines);
    if (focused) this.list.querySelector(`[data-fault="${focused}"]`)?.focus();
  }

  #stepper(key, word, value, least) {
    const step = (by, name, label) => {
      const button = el("button", { type: "button", class: "step", text: name, "aria-label": `${label}: ${word}`, data: { fault: `${key}${name}` } });
      button.addEventListener("click", () => this.#change({ [key]: Math.max(least, value + by) }));
      return button;
    };
    return el("span", { class: "stepper" }, step(-1, "−", t("fewer")), el("span", { class: "step-count", text: number(value), data: { count: key } }), step(1, "+", t("more_of")));
  }

  #change(facts) {
    return this.#try(() => this.faults.change(facts));
  }

  async #crash() {
    try {
      const { crashed } = await api.crash();
      this.status.textContent = t(crashed ? "crashed" : "cannot_crash");
    } catch (error) {
      this.status.textContent = error.status === 501 ? t("cannot_crash") : error.message;
    }
  }

  async #try(act) {
    try {
      await act();
      this.status.textContent = "";
    } catch (error) {
      this.status.textContent = error.message;
      this.#draw();
    }
  }
}

function line(label, control, note = "", extra = "") {
  return el("div", { class: `fault-line ${extra}`.trim() }, el("span", { class: "fault-name" }, el("span", { text: label }), note ? el("small", { text: note }) : null), control);
}

function toggle(key, label, on, act) {
  const button = el("button", { type: "button", role: "switch", class: "switch", "aria-checked": String(on), "aria-label": label, data: { fault: key } }, el("span", { class: "switch-thumb", "aria-hidden": "true" }));
  button.addEventListener("click", () => act(button.getAttribute("aria-checked") !== "true"));
  return button;
}
