// The list of phones beside (or, on a narrow screen, above) the windows, and the page's own switches.

import { avatar } from "./avatar.js";
import { el, icon, iconButton, moveFocus } from "./dom.js";
import { faultButton } from "./faults.js";
import { number, t } from "./i18n.js";
import { theme, turnTheme } from "./theme.js";

const THEME_ICON = { auto: "auto", light: "sun", dark: "moon" };

export class Rail {
  #facts = "";

  constructor(desk) {
    this.desk = desk;
    this.list = el("div", { class: "phone-list", role: "group", "aria-label": t("phones") });
    this.list.addEventListener("keydown", (event) => {
      const all = [...this.list.querySelectorAll("button")];
      if (!moveFocus(event, all)) moveFocus(event, all, { next: "ArrowRight", previous: "ArrowLeft" });
    });
    this.theme = el("button", { type: "button", class: "icon-button", on: { click: () => (turnTheme(), this.#drawTheme()) } });
    const words = iconButton("globe", t("page_language"), () => desk.turnLanguage(), { class: "words" });
    this.#drawTheme();
    this.element = el(
      "nav",
      { class: "rail", "aria-label": t("phones") },
      el("div", { class: "brand" }, el("span", { class: "brand-mark", "aria-hidden": "true" }, icon("send")), el("span", { class: "brand-words" }, el("strong", { text: t("title") }), el("small", { text: t("subtitle") }))),
      this.list,
      el("div", { class: "rail-foot" }, faultButton(desk.faults, desk.panel), el("span", { class: "rail-switches" }, words, this.theme)),
    );
    this.draw();
  }

  draw() {
    // Only what changed is drawn: a button replaced between press and release would swallow the click.
    const facts = JSON.stringify(this.desk.phones.map((phone) => [phone.id, phone.title, phone.user.first_name, phone.stars, phone.unread, this.desk.open.includes(phone)]));
    if (facts === this.#facts) return;
    this.#facts = facts;
    const held = this.list.contains(document.activeElement) ? document.activeElement.dataset.phone : null;
    this.list.replaceChildren(...this.desk.phones.map((phone) => this.#entry(phone)));
    if (held) this.list.querySelector(`[data-phone="${CSS.escape(held)}"]`)?.focus();
    // On a narrow screen the list scrolls sideways; the open phone stays in view.
    const open = this.list.querySelector('[aria-pressed="true"]');
    if (open && this.list.scrollWidth > this.list.clientWidth) this.list.scrollLeft = open.offsetLeft - this.list.clientWidth / 2 + open.offsetWidth / 2;
  }

  #entry(phone) {
    const open = this.desk.open.includes(phone);
    const { unread } = phone;
    const name = [phone.title, unread > 0 ? t("unread", { n: number(unread) }) : ""].filter(Boolean).join(", ");
    return el(
      "button",
      { type: "button", class: "phone-entry", "aria-pressed": String(open), "aria-label": name, title: t("open_phone", { name: phone.title }), data: { phone: phone.id }, on: { click: () => this.desk.show(phone) } },
      avatar(phone.title),
      el("span", { class: "phone-names" }, el("span", { class: "phone-title", text: phone.title }), el("span", { class: "phone-stars", text: `${phone.user.first_name} · ⭐ ${number(phone.stars)}` })),
      unread > 0 ? el("span", { class: "count", "aria-hidden": "true", text: number(unread) }) : null,
    );
  }

  #drawTheme() {
    const name = t(`theme_${theme()}`);
    this.theme.replaceChildren(icon(THEME_ICON[theme()]));
    this.theme.setAttribute("aria-label", name);
    this.theme.title = name;
  }
}
