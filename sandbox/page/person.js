// The menu of a chat's head: the person's language and Stars, blocking the bot, clearing the chat.

import { api } from "./api.js";
import { el, icon } from "./dom.js";
import { t } from "./i18n.js";
import { openMenu } from "./sheet.js";

const LANGUAGES = [
  ["en", "English"],
  ["zh-hans", "简体中文"],
  ["zh-hant", "繁體中文"],
  ["ru", "Русский"],
  ["ar", "العربية"],
  ["de", "Deutsch"],
  ["es", "Español"],
];

export function personMenu(view, x, y) {
  const { phone, chat } = view;
  const spoken = phone.user.language_code ?? "";
  const known = LANGUAGES.some(([code]) => code === spoken) ? LANGUAGES : [[spoken, spoken || "—"], ...LANGUAGES];
  const select = el("select", { class: "field", "aria-label": t("language") }, known.map(([code, name]) => el("option", { value: code, selected: code === spoken, text: name })));
  select.addEventListener("change", () => view.attempt(() => phone.change({ language_code: select.value })));
  const items = [el("label", { class: "menu-field" }, icon("globe"), el("span", { text: t("language") }), select), { label: t("top_up"), icon: icon("star"), act: () => view.attempt(() => phone.change({ stars: phone.stars + 1000 })) }];
  const room = chat && view.desk.room(chat.bot);
  if (room) {
    items.push({ label: t("copy_number"), icon: icon("copy"), act: () => view.copy(room.id) });
    const outside = view.desk.phones.filter((one) => !one.rooms.some(({ id }) => id === room.id));
    for (const one of outside) items.push({ label: t("add_person", { name: one.title }), icon: icon("send"), act: () => view.attempt(() => api.roomAdd(phone.id, room.id, one.id)) });
    items.push({ label: t("leave_group"), icon: icon("block"), style: "danger", act: () => view.attempt(() => api.leave(phone.id, room.id)) });
  } else if (chat) {
    const bot = view.desk.bot(chat.bot);
    if (bot) items.push({ label: t("new_group", { bot: bot.name }), icon: icon("send"), act: () => view.attempt(() => newGroup(view.desk, phone, bot)) });
    if (chat.link) items.push({ label: t("copy_link"), icon: icon("link"), act: () => view.copy(chat.link) });
    if (view.desk.bot(chat.bot)) items.push({ label: t(chat.blocked ? "unblock" : "block"), icon: icon("block"), act: () => view.attempt(() => chat.block(!chat.blocked)) });
    items.push({ label: t("clear"), icon: icon("trash"), style: "danger", act: () => view.confirmClear() });
  }
  openMenu(view.body, x, y, items, t("more"));
}

// The bot is an admin there, so that it hears everything and may invite and ban.
async function newGroup(desk, phone, bot) {
  const { room } = await api.openRoom(phone.id, t("group_of", { name: phone.title }));
  await api.roomAdmin(phone.id, String(room.id), bot.username, ["can_delete_messages", "can_restrict_members", "can_invite_users"]);
  await desk.refresh();
  phone.choose(String(room.id));
}
