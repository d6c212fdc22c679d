// The list above the text field: commands that match, or the results of an inline query. The focus stays in the field.

import { el } from "./dom.js";

let count = 0;

export class Suggest {
  #items = [];
  #at = -1;

  constructor(field) {
    this.field = field;
    this.id = `suggest-${++count}`;
    this.element = el("div", { class: "suggest", role: "listbox", id: this.id, hidden: true });
    field.setAttribute("aria-controls", this.id);
    field.setAttribute("aria-autocomplete", "list");
  }

  get open() {
    return !this.element.hidden;
  }

  /** Shows `items` (`{title, detail, face?, choose, complete?}`); the first is chosen already. */
  show(items, label, { empty = "" } = {}) {
    this.#items = items;
    this.element.setAttribute("aria-label", label);
    this.element.replaceChildren(...items.map((item, index) => this.#option(item, index)), items.length === 0 ? el("div", { class: "suggest-empty", text: empty }) : "");
    this.element.hidden = items.length === 0 && !empty;
    this.#mark(items.length > 0 ? 0 : -1);
  }

  hide() {
    this.element.hidden = true;
    this.#items = [];
    this.#mark(-1);
  }

  /** Gives a key of the field to the list; true when the list used it. */
  key(event) {
    if (!this.open) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.#items.length > 0) this.#mark((this.#at + step + this.#items.length) % this.#items.length);
    else if (event.key === "Escape") this.hide();
    else if (event.key === "Enter" && this.#at >= 0) this.#items[this.#at].choose();
    else if (event.key === "Tab" && !event.shiftKey && this.#items[this.#at]?.complete) this.#items[this.#at].complete();
    else return false;
    event.preventDefault();
    return true;
  }

  #option(item, index) {
    const option = el(
      "div",
      { class: "option", role: "option", id: `${this.id}-${index}`, "aria-selected": "false" },
      item.face ?? null,
      el("span", { class: "option-title", text: item.title }),
      el("span", { class: "option-detail", dir: "auto", text: item.detail ?? "" }),
    );
    // pointerdown, so that the field never loses the focus.
    option.addEventListener("pointerdown", (event) => event.preventDefault());
    option.addEventListener("click", () => item.choose());
    return option;
  }

  #mark(at) {
    this.#at = at;
    [...this.element.querySelectorAll(".option")].forEach((option, index) => {
      option.setAttribute("aria-selected", String(index === at));
      if (index === at) option.scrollIntoView({ block: "nearest" });
    });
    if (at >= 0) this.field.setAttribute("aria-activedescendant", `${this.id}-${at}`);
    else this.field.removeAttribute("aria-activedescendant");
  }
}
