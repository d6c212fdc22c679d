// The pay sheet: what is bought, what it costs, what the phone has, and what the bot answered.

import { api } from "./api.js";
import { avatar } from "./avatar.js";
import { confetti } from "./confetti.js";
import { el, icon } from "./dom.js";
import { number, price, t } from "./i18n.js";
import { openSheet, sheetButton } from "./sheet.js";

/** Opens the pay sheet over `host`; `what` is what the sandbox is told to pay: `{message_id}`, or `{link}`, which does not say what it costs. */
export function openPaySheet(host, chat, what, invoice, focusBack) {
  const cost = invoice.currency ? price(invoice.total_amount, invoice.currency) : "";
  const status = el("p", { class: "pay-status", role: "status", "aria-live": "polite" });
  const pay = el("button", { type: "button", class: "plain-button accent wide", data: { first: "" } }, el("span", { text: t("pay", { price: cost }).trim() }), el("span", { class: "spinner", "aria-hidden": "true" }));
  const cancel = sheetButton(t("cancel"), () => sheet.close(), { style: "wide" });
  const balance = el("dd", { text: `⭐ ${number(chat.phone.stars)}` });
  const content = [
    el(
      "div",
      { class: "pay" },
      avatar(invoice.title, "huge"),
      el("h3", { class: "pay-title", dir: "auto", text: invoice.title }),
      el("p", { class: "pay-about", dir: "auto", text: invoice.description }),
      el("dl", { class: "pay-facts" }, cost ? el("div", { class: "pay-total" }, el("dt", { text: t("total") }), el("dd", { text: cost })) : null, el("div", {}, el("dt", { text: t("balance") }), balance)),
      status,
    ),
  ];
  const changed = () => {
    balance.textContent = `⭐ ${number(chat.phone.stars)}`;
  };
  chat.phone.addEventListener("changed", changed);
  const sheet = openSheet(host, { kind: "sheet", title: t("invoice"), content, actions: [cancel, pay], focusBack, onClose: () => chat.phone.removeEventListener("changed", changed) });
  sheet.card.classList.add("pay-sheet");

  const busy = (waiting) => {
    pay.classList.toggle("busy", waiting);
    pay.setAttribute("aria-disabled", String(waiting));
    if (waiting) pay.setAttribute("aria-busy", "true");
    else pay.removeAttribute("aria-busy");
  };
  const fail = (why) => {
    status.className = "pay-status bad";
    status.textContent = why || t("pay_failed");
  };

  pay.addEventListener("click", async () => {
    // Two presses are one payment.
    if (pay.classList.contains("busy")) return;
    busy(true);
    status.className = "pay-status";
    status.textContent = t("paying");
    try {
      const result = await api.pay(chat.phone.id, chat.bot, what);
      if (result.paid) {
        status.className = "pay-status good";
        status.replaceChildren(icon("check"), el("span", { text: t("paid") }));
        pay.remove();
        cancel.remove();
        confetti(host);
        setTimeout(() => sheet.close(), 1400);
      } else fail(result.error);
    } catch (error) {
      fail(error.message);
    } finally {
      busy(false);
    }
  });
}
