// Links: which ones are safe to follow, and which mean a bot of this sandbox.

const TELEGRAM = new Set(["t.me", "telegram.me", "www.t.me"]);
const SCHEMES = new Set(["http:", "https:", "mailto:", "tel:"]);

/** Reads an address: `{bot, start}` for a bot's link, `{invoice}` for an invoice link, `{join}` for an invitation into a group, `{href}` for one that may be opened, null for everything else (javascript: and the like). */
export function readLink(address) {
  const bare = /^[a-z][a-z0-9+.-]*:/i.test(address) ? address : `https://${address}`;
  let url;
  try {
    url = new URL(bare);
  } catch {
    return null;
  }
  if (url.protocol === "tg:") {
    const domain = url.searchParams.get("domain");
    const resolves = url.hostname === "resolve" || url.pathname.replace(/^\/+/, "") === "resolve";
    return resolves && domain ? { bot: domain, start: url.searchParams.get("start") ?? "" } : null;
  }
  if (!SCHEMES.has(url.protocol)) return null;
  if (TELEGRAM.has(url.hostname) && /^\/\$[\w-]+$/.test(url.pathname)) return { invoice: address };
  if (TELEGRAM.has(url.hostname) && /^\/\+[\w-]+$/.test(url.pathname)) return { join: url.href };
  const name = /^\/([A-Za-z0-9_]{3,})\/?$/.exec(url.pathname)?.[1];
  if (TELEGRAM.has(url.hostname) && name) return { bot: name, start: url.searchParams.get("start") ?? "" };
  return { href: url.href };
}

/** What the address of this page asks for: `?phone=…&bot=…&start=…`. */
export function askedFor(search) {
  const asked = new URLSearchParams(search);
  return { phone: asked.get("phone"), bot: asked.get("bot"), start: asked.get("start") ?? "" };
}
