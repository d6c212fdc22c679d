// The head of a window: the bot's face and name, what it is doing, whose phone this is, and a tab for each bot.

import { avatar } from "./avatar.js";
import { el, iconButton } from "./dom.js";
import { hasWord, number, t } from "./i18n.js";
import { personMenu } from "./person.js";

export class Head {
  #tabFacts = "";

  /** `view` is the window the head stands on. */
  constructor(view) {
    this.view = view;
    this.element = el("header", { class: "window-head" });
    this.tabs = el("div", { class: "bot-tabs", role: "tablist", "aria-label": t("bots"), hidden: true });
    this.bar = el("div", { class: "line-bar", role: "status", "aria-live": "polite" });
    this.status = el("span", { class: "head-status", text: t("bot") });
    this.name = el("h2", { class: "head-bot" });
    this.face = el("span");
    this.person = el("div", { class: "head-person" });
    const more = iconButton("more", t("more"), () => {
      const box = more.getBoundingClientRect();
      personMenu(view, box.right - 8, box.bottom + 4);
    }, { class: "head-more", "aria-haspopup": "menu" });
    const close = iconButton("close", t("close_phone", { name: view.phone.title }), () => view.desk.close(view.phone), { class: "head-close" });
    this.element.append(this.face, el("div", { class: "head-names" }, this.name, this.status), this.person, more, close);
    this.tabs.addEventListener("keydown", (event) => this.#turn(event));
  }

  draw() {
    const { phone, bot } = this.view;
    const face = avatar(bot.name ?? "?");
    this.face.replaceWith(face);
    this.face = face;
    this.name.textContent = bot.name ?? "—";
    if (!this.status.classList.contains("active")) this.status.textContent = this.#kind();
    this.person.replaceChildren(
      el("span", { class: "head-phone", text: phone.title }),
      el("span", { class: "head-stars", role: "img", "aria-label": t("stars", { n: number(phone.stars) }), text: `⭐ ${number(phone.stars)}` }),
    );
    this.drawTabs();
    this.drawLine();
  }

  drawAction(action) {
    this.status.classList.toggle("active", Boolean(action));
    this.status.textContent = action ? t(hasWord(action) ? action : "other_action") : this.#kind();
  }

  #kind() {
    const { desk, phone } = this.view;
    if (desk.room(phone.bot)) return t("group");
    return desk.bot(phone.bot) ? t("bot") : "";
  }

  drawLine() {
    const { connected } = this.view.phone;
    this.bar.textContent = connected ? "" : t("connecting");
    this.bar.classList.toggle("down", !connected);
  }

  drawTabs() {
    const { phone, desk } = this.view;
    this.tabs.hidden = phone.peers.length < 2;
    const facts = JSON.stringify([phone.bot, phone.peers.map((id) => [id, desk.peer(id).name, phone.chat(id).unread])]);
    if (facts === this.#tabFacts) return;
    this.#tabFacts = facts;
    const held = this.tabs.contains(document.activeElement);
    const made = phone.peers.map((username) => {
      const { unread } = phone.chat(username);
      const chosen = username === phone.bot;
      return el(
        "button",
        { type: "button", role: "tab", class: "bot-tab", "aria-selected": String(chosen), tabindex: chosen ? 0 : -1, data: { bot: username }, on: { click: () => phone.choose(username) } },
        el("span", { text: desk.peer(username).name }),
        unread > 0 && !chosen ? el("span", { class: "count", text: number(unread), "aria-label": t("unread", { n: unread }) }) : null,
      );
    });
    this.tabs.replaceChildren(...made);
    if (held) this.tabs.querySelector('[aria-selected="true"]')?.focus();
  }

  #turn(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const { phone } = this.view;
    const all = phone.peers;
    phone.choose(all[(all.indexOf(phone.bot) + step + all.length) % all.length]);
  }
}
