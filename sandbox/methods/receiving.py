"""Methods by which a bot receives its updates: polling and the webhook's settings."""

import re

from aiogram.methods import DeleteWebhook, GetUpdates, GetWebhookInfo, SetWebhook

from sandbox import limits
from sandbox.calls import Line, answers
from sandbox.errors import ApiError, bad_request
from sandbox.store import Json

DEFAULT_CONNECTIONS = 40
DEFAULT_LIMIT = 100


@answers(GetUpdates)
async def get_updates(line: Line, call: GetUpdates) -> list[Json]:
    if line.bot.webhook is not None:
        raise ApiError(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first")
    if call.allowed_updates is not None:
        line.bot.allowed_updates = call.allowed_updates
        line.world.store.put("bot", line.bot.username, line.bot)
    # Telegram takes a limit out of range for the nearest that is in range.
    limit = min(max(call.limit or DEFAULT_LIMIT, 1), limits.UPDATES_AT_ONCE)
    return await line.world.mailboxes[line.bot.username].poll(call.offset or 0, limit, min(max(call.timeout or 0, 0), 50))


@answers(SetWebhook)
async def set_webhook(line: Line, call: SetWebhook) -> bool:
    if not call.url:
        return await forget_webhook(line, drop=bool(call.drop_pending_updates))
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", call.url):
        raise bad_request("bad webhook: Failed to resolve host: Name or service not known")
    secret = call.secret_token or ""
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{0,{limits.WEBHOOK_SECRET}}}", secret):
        raise bad_request("secret token contains unallowed characters or is too long")
    connections = DEFAULT_CONNECTIONS if call.max_connections is None else call.max_connections
    if not 1 <= connections <= limits.WEBHOOK_CONNECTIONS:
        raise bad_request(f"max_connections must be between 1 and {limits.WEBHOOK_CONNECTIONS}")
    mailbox = line.world.mailboxes[line.bot.username]
    if call.drop_pending_updates:
        mailbox.forget_all()
    mailbox.interrupt(ApiError(409, "Conflict: terminated by setWebhook request"))
    if call.allowed_updates is not None:
        line.bot.allowed_updates = call.allowed_updates
    line.bot.webhook = {"url": call.url, "secret_token": secret, "max_connections": connections, "ip_address": call.ip_address}
    line.world.store.put("bot", line.bot.username, line.bot)
    await line.world.couriers.follow(line.bot)
    return True


@answers(DeleteWebhook)
async def delete_webhook(line: Line, call: DeleteWebhook) -> bool:
    return await forget_webhook(line, drop=bool(call.drop_pending_updates))


async def forget_webhook(line: Line, *, drop: bool) -> bool:
    if drop:
        line.world.mailboxes[line.bot.username].forget_all()
    line.bot.webhook = None
    line.world.store.put("bot", line.bot.username, line.bot)
    await line.world.couriers.follow(line.bot)
    return True


@answers(GetWebhookInfo)
async def get_webhook_info(line: Line, call: GetWebhookInfo) -> Json:
    webhook = line.bot.webhook or {}
    info: Json = {
        "url": webhook.get("url", ""),
        "has_custom_certificate": False,
        "pending_update_count": len(line.world.mailboxes[line.bot.username].waiting),
    }
    for name in ("max_connections", "ip_address", "last_error_date", "last_error_message"):
        if webhook.get(name):
            info[name] = webhook[name]
    if line.bot.allowed_updates:
        info["allowed_updates"] = line.bot.allowed_updates
    return info
