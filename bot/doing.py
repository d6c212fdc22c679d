"""What the bot makes itself: links into chats, licence numbers of files; and showing out those whose time is over."""

from __future__ import annotations

from datetime import timedelta

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest, TelegramForbiddenError, TelegramRetryAfter

from bot.jobs import Job
from core import catalog, fulfilment, orders
from core.catalog import ProductKind, ProductView
from core.database import Shop
from core.fulfilment import LINK_DAYS, MembershipView, TaskView
from core.inventory import Secret
from core.orders import OrderState
from handlers.service import settle_steps

log = structlog.get_logger()

MOST = 20
AGAIN_SECONDS = 60.0  # after Telegram could not be asked
WRONG_CHAT_SECONDS = 900.0  # after it said that the bot may not: the staff put that right


class Doing:
    """Works off the lane "bot". Several processes may: each task is leased."""

    def __init__(self, shop: Shop, bot: Bot) -> None:
        self._shop, self._bot = shop, bot
        self._looked_after = 0

    def jobs(self) -> list[Job]:
        """The timed jobs of it."""
        shop = self._shop
        return [
            Job("do-tasks", 1, self.run, full=MOST),
            Job("hand-out-tasks", 2, lambda: shop.write(fulfilment.hand_out, most=MOST), full=MOST),
            Job("end-memberships", 20, self.end_memberships, full=MOST),
            Job("end-refunded-memberships", 60, self.end_refunded),
            Job("stop-agreed-work", 10, lambda: shop.write(fulfilment.follow_stops), full=50),
            Job("accept-silent-steps", 60, lambda: shop.write(fulfilment.accept_silent)),
            Job("settle-steps", 5, lambda: settle_steps(shop)),
            Job("wipe-forgotten", 600, lambda: shop.write(fulfilment.wipe_forgotten)),
        ]

    async def run(self) -> int:
        """Make what is due; returns how many tasks that was."""
        tasks = await self._shop.write(fulfilment.take_due, lane="bot", most=MOST)
        for task in tasks:
            await self._do(task)
        return len(tasks)

    async def _do(self, task: TaskView) -> None:
        assert task.lease is not None, "what was taken has a lease"
        if not await self._shop.write(fulfilment.asking, task_id=task.id, lease=task.lease):
            return
        product = await self._product(task)
        try:
            if product.kind == ProductKind.MEMBERSHIP:
                made = [await self._link(task, product, unit) for unit in range(1, task.quantity + 1)]
            else:
                made = [licence(task, unit) for unit in range(1, task.quantity + 1)]
        except TelegramRetryAfter as busy:
            await self._later(task, "Telegram wants a pause", busy.retry_after)
        except (TelegramBadRequest, TelegramForbiddenError) as no:
            # The link is made before it is used and costs nothing: whatever Telegram made of it, asking again does no harm.
            await self._later(task, f"Telegram does not let the bot: {no.message}", WRONG_CHAT_SECONDS)
            await self._shop.write(orders.tell_task_stuck, task_id=task.id, why=no.message)
        except TelegramAPIError as trouble:
            await self._later(task, f"Telegram could not be asked: {type(trouble).__name__}", AGAIN_SECONDS)
        else:
            await self._shop.write(orders.arrived, task_id=task.id, secrets=made, done=True, cause="made by the bot")

    async def _later(self, task: TaskView, cause: str, seconds: float) -> None:
        assert task.lease is not None
        await self._shop.write(fulfilment.wait, task_id=task.id, lease=task.lease, cause=cause, again_seconds=seconds)

    async def _product(self, task: TaskView) -> ProductView:
        sku = await self._shop.read(catalog.sku, task.sku_id)
        product = None if sku is None else await self._shop.read(catalog.product, sku.product_id)
        assert product is not None, "what was sold is never deleted"
        return product

    async def _link(self, task: TaskView, product: ProductView, unit: int) -> Secret:
        """The link of one place, made once; for somebody who is inside already the time is added, and a receipt is given."""
        days = fulfilment.kind(product.kind).number(product.terms, "days")
        place, _ = await self._shop.write(
            fulfilment.place_for,
            task_id=task.id,
            order_id=task.order_id,
            seq=unit,
            customer_id=await self._shop.read(orders.buyer_of, task.order_id),
            chat_id=int(product.terms["chat_id"]),
            days=days,
        )
        if place.joined_at is not None and place.link is None:
            until = "" if place.ends_at is None else f"{place.ends_at:%Y-%m-%d}"
            return Secret.noted(None, f"{orders.number_of(task.order_id)}-{task.id}-{unit}", [note for note in ("renewed", until) if note])
        if place.link is not None:
            return Secret(None, place.link)
        link = await self._bot.create_chat_invite_link(
            place.chat_id, name=place.mark, member_limit=1, expire_date=timedelta(days=LINK_DAYS)
        )
        await self._shop.write(fulfilment.link_made, membership_id=place.id, link=link.invite_link)
        return Secret(None, link.invite_link)

    async def end_memberships(self) -> int:
        """Show out those whose time is over, and revoke links that nobody used; returns how many were ended."""
        over = await self._shop.read(fulfilment.memberships_over, most=MOST)
        ended = 0
        for place in over:
            try:
                await self._end(place)
            except TelegramAPIError as trouble:
                log.warning("membership-not-ended", membership=place.id, error=type(trouble).__name__)
                if isinstance(trouble, TelegramBadRequest | TelegramForbiddenError):
                    new = await self._shop.write(fulfilment.not_ended, membership_id=place.id, again_seconds=WRONG_CHAT_SECONDS)
                    if new:
                        await self._shop.write(orders.tell_task_stuck, task_id=place.task_id, why=trouble.message)
            else:
                ended += 1
        return ended

    async def _end(self, place: MembershipView) -> None:
        why = "over"
        if place.joined_by is None:
            if place.link is not None:
                try:
                    await self._bot.revoke_chat_invite_link(place.chat_id, place.link)
                except TelegramBadRequest as no:
                    if "EXPIRED" not in no.message:  # It has ended by itself.
                        raise
            why = "unused"
        elif not await self._shop.read(fulfilment.still_inside, chat_id=place.chat_id, telegram_id=place.joined_by, but=place.id):
            try:
                await self._bot.ban_chat_member(place.chat_id, place.joined_by)
            except TelegramBadRequest as no:
                if "owner" not in no.message and "administrator" not in no.message:
                    raise
                why = "kept: an admin of the chat"
            else:
                # Only shown out: they may come back by a new link.
                await self._bot.unban_chat_member(place.chat_id, place.joined_by, only_if_banned=True)
        await self._shop.write(fulfilment.ended, membership_id=place.id, why=why)

    async def end_refunded(self) -> int:
        """Places whose order gave all its money back are over; looks at the next hundred places, and so at all in turn."""
        places = await self._shop.read(fulfilment.open_memberships, after=self._looked_after, most=100)
        self._looked_after = places[-1].id if len(places) == 100 else 0
        ended = 0
        for place in places:
            detail = await self._shop.read(orders.detail, order_id=place.order_id)
            if detail is not None and detail.card.state in (OrderState.REFUNDED, OrderState.CANCELLED):
                await self._shop.write(fulfilment.end_now, membership_id=place.id, why="refunded")
                ended += 1
        return ended


def licence(task: TaskView, unit: int) -> Secret:
    """The licence number of one copy: the same at every try, with letters of the task's number that nobody can guess."""
    return Secret(None, f"L{task.id}-{unit}-{task.number[-8:].upper()}")
