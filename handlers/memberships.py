"""Groups and channels: who joined by which link, what the buyer is told of it, and the staff's choice of a chat for a membership."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.filters import IS_MEMBER, IS_NOT_MEMBER, ChatMemberUpdatedFilter
from aiogram.types import ChatMemberUpdated

from core import fulfilment, orders, outbox, people
from core.database import Shop
from core.storefronts import Storefront
from handlers import callbacks
from handlers.notes import Note, Said, Wording, coded
from handlers.pieces import button, keyboard, lines

ADMIN = ("administrator", "creator")


async def somebody_joined(event: ChatMemberUpdated, shop: Shop) -> None:
    """By a link of ours, or by another way, which is no business of the shop's."""
    if event.invite_link is not None and event.invite_link.name:
        await shop.write(fulfilment.joined, chat_id=event.chat.id, mark=event.invite_link.name, telegram_id=event.new_chat_member.user.id)


async def made_admin(event: ChatMemberUpdated, shop: Shop, storefront: Storefront) -> None:
    """The bot was made an admin somewhere by a member of the staff: they are asked for which product that is."""
    person = event.from_user.id
    if event.new_chat_member.status not in ADMIN or event.old_chat_member.status in ADMIN:
        return
    if not await shop.read(people.is_staff, storefront_id=storefront.id, telegram_id=person):
        return
    customer = await shop.read(people.find, storefront_id=storefront.id, telegram_id=person)
    if customer is None:
        return
    body = {"says": "chat-offered", "chat": event.chat.id, "title": (event.chat.title or "")[:100]}
    once = f"chat:{event.chat.id}:{int(event.date.timestamp())}:{customer.id}"
    await shop.write(outbox.post, topic=outbox.Topic.NOTICE, customer_id=customer.id, body=body, once=once)


async def told_joined(note: Note) -> Said:
    """To the buyer: their link was used."""
    place = await note.shop.read(fulfilment.membership, int(note.body["membership"]))
    assert place is not None, "a place is never deleted"
    speech = note.speech
    first = (
        speech.say("⚠️ Your link was used by somebody else. If you did not give it away, please write to us.")
        if note.body.get("other")
        else speech.say("🎉 Welcome! You have joined.")
    )
    said = lines(
        first,
        speech.say("The place is good until {when}.", when=speech.when(place.ends_at)) if place.ends_at is not None else None,
        speech.say("Order {number}", number=coded(orders.number_of(place.order_id))),
    )
    return said, None


async def told_over(note: Note) -> Said:
    """To the buyer: their time is over, with the way to more of it."""
    place = await note.shop.read(fulfilment.membership, int(note.body["membership"]))
    assert place is not None, "a place is never deleted"
    speech = note.speech
    again = keyboard([[button(speech.label("🔁 Buy again"), callbacks.Again(id=place.order_id, fresh=True), "success")]])
    if note.body.get("unused"):
        return speech.say("Your invite link was not used in time and has ended. Please write to us if that was a mistake."), again
    return speech.say("Your membership is over. You are welcome back at any time."), again


SAYS: dict[str, Wording] = {"membership-joined": told_joined, "membership-over": told_over}


def router() -> Router:
    """What happens in groups and channels where the bot is an admin."""
    router = Router(name="memberships")
    outside = F.chat.type.in_({"group", "supergroup", "channel"})
    router.chat_member.register(somebody_joined, outside, ChatMemberUpdatedFilter(IS_NOT_MEMBER >> IS_MEMBER))
    router.my_chat_member.register(made_admin, outside)
    return router
