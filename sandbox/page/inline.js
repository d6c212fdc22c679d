// Inline mode: "@bot words" in the text field asks that bot, and a result chosen is sent into the chat.

import { api } from "./api.js";
import { avatar } from "./avatar.js";
import { t } from "./i18n.js";

const PAUSE_MS = 250;

export class InlineMode {
  #timer = null;
  #asked = null;

  /** `suggest` shows the results, `bots()` are the names known here, `onSent(message)` hears of a result sent, `onError(sentence)` of failures. */
  constructor(chat, suggest, { bots, onSent, onError }) {
    this.chat = chat;
    this.suggest = suggest;
    this.bots = bots;
    this.onSent = onSent;
    this.onError = onError;
  }

  /** Looks at what is typed; true when it is an inline query. */
  typed(text) {
    const [, named, query] = /^@(\w{3,})\s(.*)$/s.exec(text) ?? [];
    const bot = named && this.bots().find((known) => known.toLowerCase() === named.toLowerCase());
    this.stop();
    if (!bot) return false;
    this.#timer = setTimeout(() => this.#ask(bot, query.trim()), PAUSE_MS);
    return true;
  }

  stop() {
    clearTimeout(this.#timer);
    this.#asked?.abort();
    this.#asked = null;
  }

  async #ask(bot, query) {
    const asked = new AbortController();
    this.#asked = asked;
    this.suggest.show([], t("inline_results", { bot }), { empty: t("loading") });
    try {
      const { results } = await api.inline(this.chat.phone.id, bot, query, "", asked.signal);
      if (asked.signal.aborted) return;
      const items = results.map((result) => ({
        title: result.title ?? result.caption ?? result.id,
        detail: result.description ?? "",
        face: avatar(result.title ?? "?"),
        choose: () => this.#send(bot, result.id),
      }));
      this.suggest.show(items, t("inline_results", { bot }), { empty: t("nothing_found") });
    } catch (error) {
      if (error.name === "AbortError") return;
      this.suggest.hide();
      this.onError(error.message);
    }
  }

  async #send(bot, id) {
    this.suggest.hide();
    try {
      const { message } = await api.sendInline(this.chat.phone.id, bot, id, this.chat.bot);
      this.onSent(message);
    } catch (error) {
      this.onError(error.message);
    }
  }
}
