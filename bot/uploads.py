"""Files that come by one-time links: who may send them, and their import, told in the chat as any other."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import IO, BinaryIO, cast

import structlog
from aiogram import Bot

from bot.dispatcher import speech_of
from core import inventory, people, supply
from core.database import Shop
from core.errors import Refusal
from core.inventory import LinkView
from core.people import Customer
from core.storefronts import Storefront
from core.supply import NotYours, OfferFacts
from handlers.importing import Came, Import, begun
from handlers.pieces import full_name, lines
from handlers.supply.allowing import allowed
from handlers.supply.uploading import things_of, ways_on
from locales import Speech
from papers.codes import Limits
from web.uploads import Course, Welcome

log = structlog.get_logger()

# What comes by a link is read from a file, so it may be as large as what the shopkeeper imports from a disk.
LIMITS = Limits(file_bytes=512 << 20, expanded_bytes=1 << 30, rows=1_000_000)
_REMEMBERED = 200  # imports whose result the page may ask for


@dataclass
class _Watched:
    """One import by a link: how many lines were seen, and what became of it."""

    speech: Speech
    seen: int = 0
    course: Course | None = None

    def now(self) -> Course:
        if self.course is not None:
            return self.course
        said = self.speech.label_many("{n} line so far…", "{n} lines so far…", self.seen) if self.seen else self.speech.label("Importing…")
        return Course(self.speech, said)


class Uploads:
    """The links of this shop, for the web door; `bot` tells in the chat."""

    def __init__(self, shop: Shop, storefront: Storefront, bot: Bot, limits: Limits = LIMITS) -> None:
        self._shop, self._storefront, self._bot, self._limits = shop, storefront, bot, limits
        # By the hash of the word: the word itself is kept nowhere here either.
        self._watched: OrderedDict[bytes, _Watched] = OrderedDict()

    async def welcome(self, word: str) -> Welcome:
        """What the page says; raises a Refusal when nothing may come by this link."""
        link = await self._shop.read(inventory.link, word)
        customer, facts = await self.checked(link)
        speech = speech_of(customer, self._storefront)
        product, sku = await things_of(self._shop, facts)
        return Welcome(speech, full_name(product, sku, speech), link.expires_at)

    async def take(self, word: str) -> Coming:
        """A file begins to come by this link."""
        await self.welcome(word)
        link = await self._shop.write(inventory.take_link, word)
        try:
            customer, facts = await self.checked(link)
        except Refusal:
            await self._shop.write(inventory.give_link_back, link_id=link.id)
            raise
        speech = speech_of(customer, self._storefront)
        product, sku = await things_of(self._shop, facts)
        return Coming(self, word, link, customer, facts, full_name(product, sku, speech), speech)

    def course(self, word: str) -> Course | None:
        watched = self._watched.get(sha256(word.encode("utf-8", "replace")).digest())
        return None if watched is None else watched.now()

    async def checked(self, link: LinkView, quantity: int = 0) -> tuple[Customer, OfferFacts]:
        """Whose link it is, and its offer, when so many codes may be brought to it at this moment."""
        customer = await self._shop.read(people.by_id, link.customer_id)
        facts = await self._shop.read(supply.to_be_stocked, offer_id=link.offer_id, telegram_id=customer.telegram_id)
        chosen = await self._shop.read(supply.supplier, facts.supplier_id)
        if chosen is None:
            raise NotYours
        await allowed(self._shop, chosen, facts.sku_id, quantity)
        return customer, facts

    def watch(self, word: str, watched: _Watched) -> None:
        self._watched[sha256(word.encode("utf-8", "replace")).digest()] = watched
        while len(self._watched) > _REMEMBERED:
            self._watched.popitem(last=False)

    def importing(self, coming: Coming, name: str, file: IO[bytes], watched: _Watched) -> Import:
        """The import of a file that has arrived."""

        async def offer() -> int:
            return (await self.checked(coming.link))[1].id

        async def fetch() -> BinaryIO:
            return cast(BinaryIO, file)

        async def agree(quantity: int) -> None:
            await self.checked(coming.link, quantity)

        def counting(seen: int) -> None:
            watched.seen = seen

        return Import(
            shop=self._shop,
            speech=coming.speech,
            bot=self._bot,
            chat_id=coming.customer.telegram_id,
            by=coming.link.by,
            sku_id=coming.facts.sku_id,
            sku_name=coming.name,
            offer=offer,
            name=name,
            fetch=fetch,
            ways_on=ways_on(coming.speech, coming.facts),
            limits=self._limits,
            masks=True,
            link_id=coming.link.id,
            agree=agree,
            counting=counting,
        )

    async def over(self, coming: Coming, came: Came | None) -> None:
        """The link has done its work; or nothing came in by it, and it may be used again."""
        if came is not None and (came.receipt is not None or came.undecided):
            batch_id = came.receipt.batch_id if came.receipt is not None and came.receipt.accepted else None
            await self._shop.write(inventory.end_link, link_id=coming.link.id, batch_id=batch_id)
        else:
            await self._shop.write(inventory.give_link_back, link_id=coming.link.id)


@dataclass
class Coming:
    """A file on its way by a link."""

    uploads: Uploads
    word: str = field(repr=False)
    link: LinkView
    customer: Customer
    facts: OfferFacts
    name: str
    speech: Speech

    async def broke_off(self) -> None:
        await self.uploads.over(self, None)

    async def arrived(self, name: str, file: IO[bytes]) -> None:
        """Import it beside everything else; the page and the chat are told how it goes."""
        watched = _Watched(self.speech)
        self.uploads.watch(self.word, watched)
        begun(self._run(self.uploads.importing(self, name, file, watched), watched, file))

    async def _run(self, work: Import, watched: _Watched, file: IO[bytes]) -> None:
        came: Came | None = None
        try:
            came = await work.run()
        finally:
            file.close()
            try:
                await asyncio.shield(self.uploads.over(self, came))
            except Exception as trouble:
                # Whatever it is, the page must still be told: what came in is on sale all the same, and the link ends by its time.
                log.error("upload-link-not-ended", link=self.link.id, error=type(trouble).__name__)
            say = self.speech
            if came is None:
                watched.course = Course(
                    say, "", say.say("Something went wrong on our side. Nothing was imported; please try again."), again=True
                )
            else:
                again = came.receipt is None and not came.undecided
                more = say.say("The list of refused lines is in your chat.") if came.refused else None
                watched.course = Course(say, "", lines(came.text, more), good=came.receipt is not None, again=again)
