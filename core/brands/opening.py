"""Opening a storefront under a reseller's own name, its look and its rules, and who runs it."""

from __future__ import annotations

import re
import secrets
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import aftersale, journal, ledger, orders, outbox, packages, people, storefronts
from core.brands.queries import BrandView, about, view
from core.brands.refusals import (
    AnotherBot,
    BotTaken,
    MoneyThere,
    NotACustomerYet,
    NotAMarkup,
    NotAName,
    NotAToken,
    NotFinished,
    OnlyResellers,
    SeveralNamed,
    TooLarge,
    TooManyAdmins,
    TooManyBrands,
)
from core.brands.rules import MOST_ADMINS, MOST_BANNER_BYTES, MOST_BRANDS, Markup
from core.brands.tables import Brand, BrandAdmin, BrandHidden, Style
from core.catalog import Gone
from core.database import insert_new, keys, now, write
from core.packages import Service

LONGEST_NAME, LONGEST_WELCOME, LONGEST_SUPPORT = 60, 500, 100
_TOKEN = re.compile(r"\d{3,20}:[A-Za-z0-9_-]{20,100}", re.ASCII)


def as_token(text: str) -> str:
    """The token in what somebody typed or forwarded from @BotFather. Raises NotAToken."""
    found = _TOKEN.search(text)
    if found is None:
        raise NotAToken
    return found[0]


def has_token(text: str) -> bool:
    """Is there a bot's token in it? Then it is a secret, wherever it was typed."""
    return _TOKEN.search(text) is not None


def clean(text: str, longest: int) -> str:
    """One line of what somebody typed."""
    return " ".join(text.replace("\x00", " ").split())[:longest]


@write
def open_brand(session: Session, *, owner_id: int, token: str, bot_id: int, username: str, name: str) -> BrandView:
    """A storefront with this bot, which Telegram has just named, for a reseller. It sells what the shop does, at a tenth more.

    Raises OnlyResellers, packages.Locked, TooManyBrands, BotTaken.
    """
    owner = people.by_id(session, owner_id)
    if not owner.wholesale:
        raise OnlyResellers
    packages.need(session, owner_id, Service.OWN_BOT)
    # One reseller's openings take turns.
    ledger.lock(session, owner.wallet_id)
    has = session.scalar(select(func.count()).select_from(Brand).where(Brand.owner_id == owner_id, Brand.closed_at.is_(None))) or 0
    if has >= MOST_BRANDS:
        raise TooManyBrands(most=MOST_BRANDS)
    if session.scalar(select(Brand.id).where(Brand.bot_id == bot_id, Brand.closed_at.is_(None))) is not None:
        raise BotTaken(username=username)
    front = storefronts.open_branded(
        session,
        house_id=owner.storefront_id,
        name=clean(name, LONGEST_NAME) or username,
        support=f"@{owner.username}" if owner.username else None,
    )
    word = secrets.token_urlsafe(24)
    data_key, wrapped, key_id = keys(session).new_data_key(about(word))
    usual = Markup()
    row = Brand(
        storefront_id=front.id,
        house_id=owner.storefront_id,
        owner_id=owner_id,
        bot_id=bot_id,
        username=username[:64],
        word=word,
        token=data_key.seal(token, about(word)),
        data_key=wrapped,
        wrapping_key_id=key_id,
        token_version=1,
        style=Style.PLAIN,
        markup_points=usual.points,
        markup_minor=usual.added_minor,
        step_minor=usual.step_minor,
        opened_at=now(session),
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise BotTaken(username=username) from None
    after = {"name": front.name, "username": username}
    journal.record(session, by=f"telegram:{owner.telegram_id}", did="open-brand", about="customer", about_id=owner_id, after=after)
    return view(session, row)


def theirs(session: Session, brand_id: int, owner_id: int) -> Brand:
    """The owner's living brand, locked. Raises Gone."""
    row = session.get(Brand, brand_id, with_for_update=True, populate_existing=True)
    if row is None or row.owner_id != owner_id or row.closed_at is not None:
        raise Gone
    return row


@write
def replace_token(session: Session, *, brand_id: int, owner_id: int, token: str, bot_id: int, username: str) -> BrandView:
    """The bot has a new token: it answers again, and what waited for that goes out. Raises Gone, AnotherBot."""
    row = theirs(session, brand_id, owner_id)
    if bot_id != row.bot_id:
        raise AnotherBot(username=username, expected=row.username)
    data_key, row.data_key, row.wrapping_key_id = keys(session).new_data_key(about(row.word))
    row.token = data_key.seal(token, about(row.word))
    row.token_version += 1
    row.username, row.refused_at, row.banner_id = username[:64], None, None
    session.flush()
    after = 0
    while page := people.next_customers(session, storefront_id=row.storefront_id, after=after, limit=1000):
        outbox.unpark_all(session, customer_ids=[one.id for one in page if not one.blocked])
        after = page[-1].id
    return view(session, row)


@write
def token_refused(session: Session, *, brand_id: int, token_version: int) -> bool:
    """Telegram does not know this token any more: the bot rests, and its owner is told. False when it has a newer one, or that is known."""
    row = session.get(Brand, brand_id, with_for_update=True, populate_existing=True)
    if row is None or row.closed_at is not None or row.refused_at is not None or row.token_version != token_version:
        return False
    row.refused_at = now(session)
    session.flush()
    body = {"says": "brand-refused", "brand": brand_id, "username": row.username}
    once = f"brand-refused:{brand_id}:{token_version}"
    outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=row.owner_id, body=body, once=once)
    return True


@write
def shared(session: Session, *, brand_id: int, token_version: int) -> None:
    """Another program uses a bot's token and takes what its customers write: its owner is told, once a day."""
    row = session.get_one(Brand, brand_id)
    if row.closed_at is None and row.token_version == token_version:
        body = {"says": "brand-shared", "brand": brand_id, "username": row.username}
        once = f"brand-shared:{brand_id}:{token_version}:{now(session).date()}"
        outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=row.owner_id, body=body, once=once)


@write
def introduced(session: Session, *, brand_id: int, says: str) -> None:
    """Its menu and its description in Telegram are made for this name and language."""
    session.get_one(Brand, brand_id, with_for_update=True).introduced = says[:300]


@write
def rename(session: Session, *, brand_id: int, owner_id: int, name: str) -> BrandView:
    """What the storefront is called. Raises Gone, NotAName."""
    row = theirs(session, brand_id, owner_id)
    name = clean(name, LONGEST_NAME + 1)
    if not 1 <= len(name) <= LONGEST_NAME:
        raise NotAName(most=LONGEST_NAME)
    storefronts.rename(session, storefront_id=row.storefront_id, name=name)
    return view(session, row)


@write
def set_look(
    session: Session,
    *,
    brand_id: int,
    owner_id: int,
    welcome: str | None = None,
    support: str | None = None,
    style: Style | None = None,
    language: str | None = None,
) -> BrandView:
    """What is said at the first word, whom customers write to (an empty one takes it away), how buttons look, and the language of
    whoever speaks none of the shop's. Raises Gone.
    """
    row = theirs(session, brand_id, owner_id)
    if welcome is not None:
        row.welcome = welcome.replace("\x00", " ").strip()[:LONGEST_WELCOME] or None
    if support is not None:
        storefronts.rename(session, storefront_id=row.storefront_id, support=clean(support, LONGEST_SUPPORT))
    if style is not None:
        row.style = style
    if language is not None:
        storefronts.speak(session, storefront_id=row.storefront_id, language=language)
    session.flush()
    return view(session, row)


@write
def set_banner(session: Session, *, brand_id: int, owner_id: int, picture: bytes | None) -> BrandView:
    """The picture that everybody sees who opens the bot, or (None) none. Raises Gone, TooLarge."""
    row = theirs(session, brand_id, owner_id)
    if picture is not None and len(picture) > MOST_BANNER_BYTES:
        raise TooLarge(kib=MOST_BANNER_BYTES // 1024)
    row.banner, row.banner_id = picture, None
    session.flush()
    return view(session, row)


@write
def banner_sent(session: Session, *, brand_id: int, picture: bytes, banner_id: str) -> None:
    """The bot knows this picture by this id in Telegram from now on, if it is its banner still."""
    row = session.get_one(Brand, brand_id, with_for_update=True, populate_existing=True)
    if row.banner == picture:
        row.banner_id = banner_id[:200]


@write
def set_markup(session: Session, *, brand_id: int, owner_id: int, markup: Markup) -> BrandView:
    """What its customers pay on top of what the reseller pays; prices follow within seconds. Raises Gone, NotAMarkup."""
    row = theirs(session, brand_id, owner_id)
    if not markup.in_bounds:
        raise NotAMarkup
    row.markup_points, row.markup_minor, row.step_minor = markup.points, markup.added_minor, markup.step_minor
    row.priced_at = None
    session.flush()
    return view(session, row)


@write
def show_product(session: Session, *, brand_id: int, owner_id: int, product_id: int, shown: bool) -> None:
    """Sell a product, or not; its prices follow within seconds. Raises Gone."""
    row = theirs(session, brand_id, owner_id)
    known = session.get(BrandHidden, (brand_id, product_id))
    if shown and known is not None:
        session.delete(known)
    elif not shown and known is None:
        session.execute(insert_new(session, BrandHidden).values(brand_id=brand_id, product_id=product_id))
    row.priced_at = None
    session.flush()


@write
def pause(session: Session, *, brand_id: int, owner_id: int, paused: bool) -> BrandView:
    """Nothing is for sale for a while; whoever has bought is served. Raises Gone."""
    row = theirs(session, brand_id, owner_id)
    row.paused_at = (row.paused_at or now(session)) if paused else None
    row.priced_at = None
    session.flush()
    return view(session, row)


@write
def close(session: Session, *, brand_id: int, owner_id: int) -> None:
    """For good: the token is forgotten, nothing is for sale; margins are released and taken as before.

    Raises Gone, MoneyThere, and NotFinished while its customers wait for something, a decision on a complaint too.
    """
    row = theirs(session, brand_id, owner_id)
    _, left = people.money_of(session, storefront_id=row.storefront_id)
    if left:
        raise MoneyThere(amount_minor=left, currency=storefronts.by_id(session, row.storefront_id).currency)
    if unfinished := orders.unfinished(session, row.storefront_id) + aftersale.undecided(session, storefront_id=row.storefront_id):
        raise NotFinished(count=unfinished)
    row.closed_at = now(session)
    data_key, row.data_key, row.wrapping_key_id = keys(session).new_data_key(about(row.word))
    row.token = data_key.seal("", about(row.word))
    row.priced_at = None
    session.flush()
    by = f"telegram:{people.by_id(session, owner_id).telegram_id}"
    journal.record(session, by=by, did="close-brand", about="customer", about_id=owner_id, after={"username": row.username})


@write
def stop(session: Session, *, brand_id: int, house_id: int, why: str | None, by: str) -> bool:
    """The staff stop what a storefront sells, with a reason that its owner is told, or (None) let it go on. False when it is so already.

    Raises Gone.
    """
    row = session.get(Brand, brand_id, with_for_update=True, populate_existing=True)
    if row is None or row.closed_at is not None or row.house_id != house_id:
        raise Gone
    if (row.stopped_at is not None) == (why is not None):
        return False
    at: datetime | None = now(session) if why is not None else None
    row.stopped_at, row.stopped_by, row.stopped_why = at, by if why is not None else None, None if why is None else clean(why, 300)
    row.priced_at = None
    session.flush()
    did = "stop-brand" if why is not None else "resume-brand"
    after = {"username": row.username, **({} if why is None else {"reason": row.stopped_why})}
    journal.record(session, by=by, did=did, about="customer", about_id=row.owner_id, after=after)
    body = {"says": "brand-stopped", "brand": brand_id, "username": row.username, "on": why is None, "why": row.stopped_why or ""}
    outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=row.owner_id, body=body)
    return True


@write
def put_in_charge(session: Session, *, brand_id: int, owner_id: int, username: str) -> int:
    """Let a customer of the storefront into its /manage, by their @username; returns their Telegram id.

    Raises Gone, NotACustomerYet, SeveralNamed, TooManyAdmins.
    """
    row = theirs(session, brand_id, owner_id)
    those = people.named(session, storefront_id=row.storefront_id, word=username.replace("\x00", ""))
    if not those:
        raise NotACustomerYet
    if len(those) > 1:
        raise SeveralNamed
    [found] = those
    has = set(session.scalars(select(BrandAdmin.telegram_id).where(BrandAdmin.brand_id == brand_id)))
    if len(has - {found.telegram_id}) >= MOST_ADMINS:
        raise TooManyAdmins(most=MOST_ADMINS)
    session.execute(insert_new(session, BrandAdmin).values(brand_id=brand_id, telegram_id=found.telegram_id, since=now(session)))
    return found.telegram_id


@write
def take_out_of_charge(session: Session, *, brand_id: int, owner_id: int, telegram_id: int) -> None:
    """They may not open /manage any more. Raises Gone."""
    theirs(session, brand_id, owner_id)
    known = session.get(BrandAdmin, (brand_id, telegram_id))
    if known is not None:
        session.delete(known)
        session.flush()
