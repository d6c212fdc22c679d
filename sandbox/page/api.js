// What a phone says to the sandbox: one function per call of docs/sandbox.md.

/** The sandbox said no, or could not be reached (`status` 0). */
export class Refused extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

async function ask(method, path, body, signal) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      signal,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "The sandbox cannot be reached.");
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, sentence(said, answer.status));
  return said;
}

const sentence = (said, status) => (typeof said.error === "string" ? said.error : `The sandbox answered ${status}.`);
const name = encodeURIComponent;
const chat = (phone, bot) => `/phones/${name(phone)}/chats/${name(bot)}`;

export const api = {
  phones: () => ask("GET", "/phones"),
  change: (phone, facts) => ask("PATCH", `/phones/${name(phone)}`, facts),
  chat: (phone, bot) => ask("GET", chat(phone, bot)),
  say: (phone, bot, text, reply_to) => ask("POST", `${chat(phone, bot)}/text`, reply_to ? { text, reply_to } : { text }),
  press: (phone, bot, message_id, row, column, signal) => ask("POST", `${chat(phone, bot)}/press`, { message_id, row, column }, signal),
  // `what` is `{message_id}` of an invoice, or `{link}` of one.
  pay: (phone, bot, what) => ask("POST", `${chat(phone, bot)}/pay`, what),
  block: (phone, bot, blocked) => ask("POST", `${chat(phone, bot)}/block`, { blocked }),
  clear: (phone, bot) => ask("POST", `${chat(phone, bot)}/clear`, {}),
  inline: (phone, bot, query, offset = "", signal) => ask("POST", `/phones/${name(phone)}/inline`, { bot, query, offset }, signal),
  sendInline: (phone, bot, result_id, to) => ask("POST", `/phones/${name(phone)}/inline/send`, { bot, result_id, to }),
  openRoom: (phone, title) => ask("POST", `/phones/${name(phone)}/rooms`, { title, type: "supergroup" }),
  roomAdmin: (phone, room, bot, rights) => ask("POST", `/phones/${name(phone)}/rooms/${name(room)}/admin`, { bot, rights }),
  roomAdd: (phone, room, other) => ask("POST", `/phones/${name(phone)}/rooms/${name(room)}/add`, { phone: other }),
  join: (phone, link) => ask("POST", `/phones/${name(phone)}/join`, { link }),
  leave: (phone, room) => ask("POST", `/phones/${name(phone)}/rooms/${name(room)}/leave`, {}),
  faults: () => ask("GET", "/faults"),
  changeFaults: (facts) => ask("PATCH", "/faults", facts),
  crash: () => ask("POST", "/faults/crash", {}),
  file: (phone, file_id) => `/phones/${name(phone)}/files/${name(file_id)}`,
  events: (phone) => `/phones/${name(phone)}/events`,

  /** Sends a file; `onProgress` hears fractions from 0 to 1. fetch cannot tell progress, so this is the one XMLHttpRequest. */
  upload(phone, bot, file, { as, caption }, onProgress) {
    const form = new FormData();
    form.set("as", as);
    if (caption) form.set("caption", caption);
    form.set("file", file, file.name);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", `${chat(phone, bot)}/file`);
      request.responseType = "json";
      request.upload.addEventListener("progress", (event) => event.lengthComputable && onProgress(event.loaded / event.total));
      request.addEventListener("load", () => {
        if (request.status < 400) resolve(request.response);
        else reject(new Refused(request.status, sentence(request.response ?? {}, request.status)));
      });
      request.addEventListener("error", () => reject(new Refused(0, "The sandbox cannot be reached.")));
      request.send(form);
    });
  },
};
