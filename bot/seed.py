"""Seeding: a catalogue with its codes, written in YAML, brought into the shop; what is there already is brought up to date."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from base64 import b32encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator
from pydantic_core import ErrorDetails
from sqlalchemy.orm import Session
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from core import catalog, inventory, journal, pricing, rates, supply
from core.database import Shop, write
from core.money import NotAnAmount, parse_minor
from core.storefronts import Storefront
from locales import languages

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
_FACE = re.compile(r"(?P<amount>\S+)\s+(?P<currency>[A-Z]{3,8})")
_REGION = re.compile(r"[A-Z]{2}|[A-Z][A-Z-]{2,31}")
# Codes the demo makes are known as such at a glance, and are the same at every seeding, so that none comes twice.
_DEMO_KEY = b"codes of the demo catalogue, worth nothing"
_CHUNK = 500  # fingerprints asked for in one statement
_AT_ONCE = 4  # denominations stocked side by side: on SQLite they share commits, on PostgreSQL a pool

Place = tuple[str | int, ...]


class SeedWrong(Exception):
    """The file is not a catalogue; one sentence for each mistake, with its line."""


def _slug(given: str) -> str:
    if not _SLUG.fullmatch(given):
        raise ValueError("must be 1 to 64 small letters, digits and hyphens")
    return given


def _one_line(given: str) -> str:
    if not given.strip() or "\n" in given or len(given) > 200:
        raise ValueError("must be one line of at most 200 characters")
    return given.strip()


def _in_languages(given: Any) -> Any:
    """A text may be written once for all languages."""
    return {"": given} if isinstance(given, str) else given


def _known_languages(texts: dict[str, str]) -> dict[str, str]:
    if not texts:
        raise ValueError("has no text")
    for language, said in texts.items():
        if language and language not in languages():
            raise ValueError(f"is written in “{language}”, and the shop speaks {', '.join(languages())}")
        if not said.strip():
            raise ValueError(f"is empty in “{language}”" if language else "is empty")
    return {language: said.strip() for language, said in texts.items()}


def _short(texts: dict[str, str]) -> dict[str, str]:
    return {language: _one_line(said) for language, said in texts.items()}


def _code(given: str) -> str:
    plain = given.strip()
    if not plain or not plain.isprintable():
        raise ValueError("is empty or holds characters that cannot be seen")
    return plain


Slug = Annotated[str, AfterValidator(_slug)]
Texts = Annotated[dict[str, str], BeforeValidator(_in_languages), AfterValidator(_known_languages)]
Name = Annotated[Texts, AfterValidator(_short)]
Secretly = Annotated[str, Field(min_length=1, max_length=512), AfterValidator(_code)]


class Part(BaseModel):
    """A part of the file: an unknown word in it is a mistake."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)


class Pair(Part):
    """A code of number and password."""

    number: Secretly
    password: Secretly


class Generated(Part):
    """So many codes that are made up, for a demo."""

    generate: int = Field(ge=1, le=10_000)
    with_password: bool = False


# Told apart by their shape, so that a mistake in one is not reported as a mistake in all.
CodeWritten = Annotated[
    Annotated[Secretly, Tag("code")] | Annotated[Pair, Tag("pair")],
    Discriminator(lambda given: "pair" if isinstance(given, dict) else "code"),
]
Codes = Annotated[
    Annotated[list[CodeWritten], Tag("list")] | Annotated[Generated, Tag("generated")],
    Discriminator(lambda given: "generated" if isinstance(given, dict | Generated) else "list"),
]


class Denomination(Part):
    slug: Slug
    name: Name
    face: str | None = None
    region: str | None = None
    price: str
    cost: str | None = None
    least: int = Field(default=1, ge=1)
    most: int = Field(default=100, ge=1, le=catalog.MOST_IN_ORDER)
    per_buyer: int | None = Field(default=None, ge=1)
    low_stock: int = Field(default=0, ge=0)
    hidden: bool = False
    codes: Codes = []

    @model_validator(mode="after")
    def _fits(self) -> Denomination:
        if self.face is not None:
            self.face_value()
        if self.region is not None and not _REGION.fullmatch(self.region):
            raise ValueError("region must be a country's two capital letters, such as CN, or GLOBAL")
        if self.most < self.least:
            raise ValueError("most must not be below least")
        return self

    def face_value(self) -> tuple[int | None, str | None]:
        """What is written on the card: minor units and their currency."""
        if self.face is None:
            return None, None
        found = _FACE.fullmatch(self.face.strip())
        if found is None:
            raise ValueError("face must be an amount and its currency, such as 50 CNY")
        try:
            return parse_minor(found["amount"], found["currency"]), found["currency"]
        except NotAnAmount:
            raise ValueError("face must be an amount and its currency, such as 50 CNY") from None


class Product(Part):
    slug: Slug
    name: Name
    icon: str | None = Field(default=None, max_length=16)
    description: Texts | None = None
    redeem: Texts | None = None
    keywords: str = Field(default="", max_length=500)
    protect_content: bool = False
    sealed: bool = False
    return_hours: int = Field(default=24, ge=0, le=24 * 90)
    hidden: bool = False
    denominations: list[Denomination] = Field(min_length=1)


class Category(Part):
    slug: Slug
    name: Name
    icon: str | None = Field(default=None, max_length=16)
    hidden: bool = False
    categories: list[Category] = []
    products: list[Product] = []


class RateOf(Part):
    """One unit of `one` is worth `is` units of the shop's currency."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True, populate_by_name=True)

    one: str = Field(pattern=r"^[A-Z]{3,8}$")
    worth: str = Field(alias="is", pattern=r"^\d{1,9}(\.\d{1,9})?$")


class Catalogue(Part):
    """The whole file."""

    currency: str = Field(pattern=r"^[A-Z]{3}$")
    rates: list[RateOf] = []
    categories: list[Category] = Field(min_length=1)

    def everything(self) -> Iterator[tuple[Place, Category | Product | Denomination]]:
        """Every part that has a slug, with where it stands in the file; a category comes before what is in it."""
        waiting: list[tuple[Place, Category]] = [(("categories", n), c) for n, c in reversed(list(enumerate(self.categories)))]
        while waiting:
            where, category = waiting.pop()
            yield where, category
            for i, product in enumerate(category.products):
                yield (*where, "products", i), product
                for j, sku in enumerate(product.denominations):
                    yield (*where, "products", i, "denominations", j), sku
            waiting += [((*where, "categories", n), c) for n, c in reversed(list(enumerate(category.categories)))]

    def mistakes(self) -> Iterator[tuple[Place, str]]:
        """What is wrong between the parts, with where."""
        seen: set[tuple[str, str]] = set()
        for where, thing in self.everything():
            kind = type(thing).__name__.lower()
            if (kind, thing.slug) in seen:
                yield (*where, "slug"), f"the {kind} “{thing.slug}” is there twice"
            seen.add((kind, thing.slug))
            if isinstance(thing, Denomination):
                yield from self._mispriced(where, thing)
        for n, rate in enumerate(self.rates):
            if rate.one == self.currency or not Fraction(rate.worth):
                yield ("rates", n), "must be a worth above 0 of another currency than the catalogue's"

    def _mispriced(self, where: Place, sku: Denomination) -> Iterator[tuple[Place, str]]:
        for what, given in (("price", sku.price), ("cost", sku.cost)):
            try:
                if given is not None and parse_minor(given, self.currency) == 0 and what == "price":
                    yield (*where, what), "must be above 0"
            except NotAnAmount as wrong:
                yield (*where, what), f"must be an amount in {self.currency}, such as {wrong.example}"


def read_catalogue(text: str, name: str) -> Catalogue:
    """The catalogue in this YAML; raises SeedWrong with every mistake that was found and its line. `name` is the file's."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        raise SeedWrong(_mistake(name, mark.line + 1 if mark else 1, f"this is not YAML: {wrong.problem or 'unreadable'}")) from None
    except yaml.YAMLError:
        raise SeedWrong(f"{name}: this is not YAML: it holds characters that no text has.") from None
    lines: dict[Place, int] = {}
    data = _plain(root, (), lines, name) if root is not None else {}
    if not isinstance(data, dict):
        raise SeedWrong(f"{name}: a catalogue begins with `currency:` and `categories:`.")
    try:
        found = Catalogue.model_validate(data)
    except ValidationError as wrong:
        errors = wrong.errors(include_input=False, include_url=False)
        raise SeedWrong("\n".join(dict.fromkeys(_mistake(name, *_placed(error, lines)) for error in errors))) from None
    wrongs = [_mistake(name, *_place(where, lines), said) for where, said in found.mistakes()]
    if wrongs:
        raise SeedWrong("\n".join(wrongs))
    return found


def _plain(node: Node, where: Place, lines: dict[Place, int], name: str) -> Any:
    """What a node says, every scalar as the text that stands there: 007 stays 007, NO is Norway, and 95.10 is never a float."""
    lines[where] = node.start_mark.line + 1
    if isinstance(node, MappingNode):
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode) or key.value in found:
                said = "a name here is no plain word" if not isinstance(key, ScalarNode) else f"“{key.value}” is there twice"
                raise SeedWrong(_mistake(name, key.start_mark.line + 1, said))
            found[key.value] = _plain(value, (*where, key.value), lines, name)
            lines[*where, key.value] = key.start_mark.line + 1
        return {key: value for key, value in found.items() if value is not None}
    if isinstance(node, SequenceNode):
        return [_plain(item, (*where, n), lines, name) for n, item in enumerate(node.value)]
    assert isinstance(node, ScalarNode)
    nothing = node.style is None and node.value in ("", "~", "null")
    return None if nothing else node.value


def _place(where: Place, lines: dict[Place, int]) -> tuple[int, str]:
    """The line of the innermost known part of a place, and what that part is called."""
    known: Place = ()
    for step in where:
        # Steps that pydantic adds for its own unions do not stand in the file.
        if (*known, step) in lines:
            known = (*known, step)
    called = [str(step) for step in known if isinstance(step, str)]
    return lines.get(known, 1), called[-1] if called else "the file"


def _placed(error: ErrorDetails, lines: dict[Place, int]) -> tuple[int, str, str]:
    line, called = _place(error["loc"], lines)
    last = str(error["loc"][-1]) if error["loc"] else ""
    match error["type"]:
        case "missing":
            return line, called, f"“{last}” is missing"
        case "extra_forbidden":
            return line, "", f"“{last}” is not known here"
        case "value_error":
            return line, called, str(error["ctx"]["error"])
        case "int_parsing" | "int_type" | "int_from_float":
            return line, called, "must be a whole number"
        case "bool_parsing" | "bool_type":
            return line, called, "must be true or false"
    return line, called, error["msg"][:1].lower() + error["msg"][1:]


def _mistake(name: str, line: int, *said: str) -> str:
    return f"{name}, line {line}: {': '.join(filter(None, said))}."


@dataclass(slots=True)
class Seeded:
    """What a seeding did. Codes that were in the shop before are counted as known; those of another import are left to it."""

    categories: int = 0
    products: int = 0
    denominations: int = 0
    changed: int = 0
    prices: int = 0
    rates: int = 0
    codes: int = 0
    codes_known: int = 0
    codes_elsewhere: int = 0

    def facts(self) -> dict[str, int]:
        return {part.name: getattr(self, part.name) for part in fields(self)}

    @property
    def anything(self) -> bool:
        """Was anything changed at all?"""
        return any(count for name, count in self.facts().items() if name not in ("codes_known", "codes_elsewhere"))


@dataclass(slots=True)
class _Planted:
    seeded: Seeded
    offers: dict[str, tuple[int, int]] = field(default_factory=dict)  # denomination's slug → offer, denomination


async def seed(shop: Shop, storefront: Storefront, found: Catalogue, *, name: str, by: str = "command-line") -> Seeded:
    """Bring the catalogue in: what is missing is added, what differs is changed to what the file says, codes that are new go on sale.

    The same file again changes nothing. Nothing is taken away. Raises SeedWrong when the shop's books are in another currency.
    """
    if found.currency != storefront.currency:
        raise SeedWrong(f"{name} has its prices in {found.currency}, and the books of this shop are kept in {storefront.currency}.")
    planted = await shop.write(_plant, storefront=storefront, found=found)
    counts = planted.seeded
    room = asyncio.Semaphore(_AT_ONCE)

    async def stock(sku: Denomination) -> None:
        async with room:
            secrets = list(_secrets(sku))
            fresh = await _unknown(shop, secrets)
            counts.codes_known += len(secrets) - len(fresh)
            if fresh:
                offer_id, sku_id = planted.offers[sku.slug]
                receipt = await inventory.bring_in(
                    shop, offer_id=offer_id, sku_id=sku_id, source_name=name, by=by, lines=iter(enumerate(fresh, 1))
                )
                counts.codes += receipt.accepted
                counts.codes_known += len(receipt.duplicate_in_file) + len(receipt.duplicate_in_shop)
                counts.codes_elsewhere += len(receipt.staged_elsewhere)

    await asyncio.gather(*(stock(thing) for _, thing in found.everything() if isinstance(thing, Denomination)))
    if counts.anything:
        after: dict[str, Any] = {"file": name, **counts.facts()}
        await shop.write(journal.record, by=by, did="seed", about="storefront", about_id=storefront.id, after=after)
    return counts


async def _unknown(shop: Shop, secrets: Sequence[inventory.Secret]) -> list[inventory.Secret]:
    """Those that were never in the shop, so that a second seeding leaves no empty batch behind."""
    fresh: list[inventory.Secret] = []
    for start in range(0, len(secrets), _CHUNK):
        prints = {shop.tools.keys.fingerprint(secret.joined()): secret for secret in secrets[start : start + _CHUNK]}
        there = await shop.read(inventory.known, list(prints))
        fresh += [secret for fingerprint, secret in prints.items() if fingerprint not in there]
    return fresh


def _secrets(sku: Denomination) -> Iterator[inventory.Secret]:
    if isinstance(sku.codes, Generated):
        for n in range(sku.codes.generate):
            yield made_up(sku.slug, n, with_password=sku.codes.with_password)
        return
    for code in sku.codes:
        yield inventory.Secret(code.number, code.password) if isinstance(code, Pair) else inventory.Secret(None, code)


def made_up(slug: str, n: int, *, with_password: bool) -> inventory.Secret:
    """A code that is plainly a demo's, and the same whenever it is asked for."""
    digest = hmac.digest(_DEMO_KEY, f"{slug}:{n}".encode(), hashlib.sha256)
    if with_password:
        number = f"{int.from_bytes(digest[:8]) % 10**12:012d}"
        return inventory.Secret(f"DEMO{number}", f"{int.from_bytes(digest[8:16]) % 10**10:010d}")
    letters = b32encode(digest)[:12].decode()
    return inventory.Secret(None, "-".join(("DEMO", letters[:4], letters[4:8], letters[8:])))


@write
def _plant(session: Session, *, storefront: Storefront, found: Catalogue) -> _Planted:
    """The whole catalogue without its codes, in one transaction."""
    planted = _Planted(Seeded())
    for rate in found.rates:
        worth = rates.in_minor(Fraction(rate.worth), rate.one, found.currency)
        before = rates.latest(session, base=rate.one, quote=found.currency)
        if before is None or before.rate != worth:
            rates.set_rate(session, base=rate.one, quote=found.currency, rate=worth, source="seed")
            planted.seeded.rates += 1
    there = _There(session)
    for category in found.categories:
        _plant_category(session, planted, there, storefront, category, None)
    return planted


class _There:
    """What the shop has already, by slug."""

    def __init__(self, session: Session) -> None:
        self.categories: dict[str, catalog.CategoryView] = {}
        waiting: list[int | None] = [None]
        while waiting:
            for category in catalog.categories_under(session, waiting.pop(), hidden_too=True):
                self.categories[category.slug] = category
                waiting.append(category.id)
        products = [p for c in self.categories.values() for p in catalog.products_in(session, c.id, hidden_too=True)]
        self.products = {product.slug: product for product in products}
        self.skus = {sku.slug: sku for sku in catalog.skus_of(session, list({p.id for p in products}), hidden_too=True)}


def _split(texts: Texts | None, language: str) -> tuple[str, dict[str, str]]:
    """The text that stands for all languages, and the others: the shop's own language is the first choice."""
    if not texts:
        return "", {}
    first = next(key for key in ("", language, *texts) if key in texts)
    return texts[first], {key: said for key, said in texts.items() if key != first}


def _plant_category(
    session: Session, planted: _Planted, there: _There, storefront: Storefront, wanted: Category, parent_id: int | None
) -> None:
    name, names = _split(wanted.name, storefront.language)
    known = there.categories.get(wanted.slug)
    if known is None:
        category_id = catalog.add_category(session, slug=wanted.slug, name=name, parent_id=parent_id, names=names, icon=wanted.icon)
        if wanted.hidden:
            catalog.change_category(session, category_id, hidden=True)
        planted.seeded.categories += 1
    else:
        category_id = known.id
        same = (known.name, known.names, known.icon, known.parent_id, known.hidden)
        if same != (name, names, wanted.icon, parent_id, wanted.hidden):
            catalog.change_category(
                session, known.id, name=name, names=names, icon=wanted.icon or "", parent_id=parent_id, hidden=wanted.hidden
            )
            planted.seeded.changed += 1
    for product in wanted.products:
        _plant_product(session, planted, there, storefront, product, category_id)
    for category in wanted.categories:
        _plant_category(session, planted, there, storefront, category, category_id)


def _search(wanted: Product) -> str:
    """What the product is found by."""
    # Loads every conversation, which takes seconds: a seeding that changes nothing saves them.
    from locales.searchable import search_text

    names = [*wanted.name.values(), *(said for sku in wanted.denominations for said in sku.name.values())]
    return search_text(*names, wanted.keywords)


def _renamed(wanted: Denomination, there: _There, language: str) -> bool:
    """Is the denomination new, or called otherwise than before?"""
    known = there.skus.get(wanted.slug)
    return known is None or (known.name, known.names) != _split(wanted.name, language)


def _plant_product(session: Session, planted: _Planted, there: _There, storefront: Storefront, wanted: Product, category_id: int) -> None:
    language = storefront.language
    split = {what: _split(getattr(wanted, what), language) for what in ("name", "description", "redeem")}
    texts: dict[str, dict[str, str]] = {}
    for what, (_, others) in split.items():
        for other, said in others.items():
            texts.setdefault(other, {})[what] = said
    facts: dict[str, Any] = {
        "category_id": category_id,
        "name": split["name"][0],
        "icon": wanted.icon or "",
        "description": split["description"][0],
        "redeem": split["redeem"][0],
        "texts": texts,
        "keywords": wanted.keywords,
        "protect_content": wanted.protect_content,
        "sealed": wanted.sealed,
        "return_hours": wanted.return_hours,
    }
    known = there.products.get(wanted.slug)
    if known is None:
        product_id = catalog.add_product(session, slug=wanted.slug, search=_search(wanted), **{**facts, "icon": wanted.icon})
        if wanted.hidden:
            catalog.change_product(session, product_id, hidden=True)
        planted.seeded.products += 1
    else:
        product_id = known.id
        now = {what: getattr(known, what) for what in facts} | {"icon": known.icon or ""}
        hidden = wanted.hidden if known.hidden != wanted.hidden else None
        if now != facts or hidden is not None:
            catalog.change_product(session, known.id, search=_search(wanted), **facts, hidden=hidden)
            planted.seeded.changed += 1
        elif any(_renamed(sku, there, language) for sku in wanted.denominations):
            catalog.change_product(session, known.id, search=_search(wanted))
    for sku in wanted.denominations:
        _plant_sku(session, planted, there, storefront, sku, product_id)


def _plant_sku(session: Session, planted: _Planted, there: _There, storefront: Storefront, wanted: Denomination, product_id: int) -> None:
    name, names = _split(wanted.name, storefront.language)
    face_value, face_currency = wanted.face_value()
    facts: dict[str, Any] = {
        "name": name,
        "names": names,
        "face_value_minor": face_value,
        "face_currency": face_currency,
        "redeem_region": wanted.region,
        "min_quantity": wanted.least,
        "max_quantity": wanted.most,
        "max_per_buyer": wanted.per_buyer,
        "low_stock_at": wanted.low_stock,
    }
    known = there.skus.get(wanted.slug)
    if known is None:
        sku_id = catalog.add_sku(session, product_id=product_id, slug=wanted.slug, **facts)
        if wanted.hidden:
            catalog.change_sku(session, sku_id, hidden=True)
        planted.seeded.denominations += 1
    else:
        sku_id = known.id
        # What the file leaves out of face value and region stays as it is; no limit per buyer means none.
        differs = any(getattr(known, what) != fact for what, fact in facts.items() if fact is not None or what == "max_per_buyer")
        if differs or known.hidden != wanted.hidden:
            catalog.change_sku(session, sku_id, **facts, hidden=wanted.hidden)
            planted.seeded.changed += 1
    currency = storefront.currency
    price = pricing.current(session, storefront_id=storefront.id, sku_ids=[sku_id]).get(sku_id)
    minor = parse_minor(wanted.price, currency)
    if price is None or price.retail_minor != minor:
        wholesale = None if price is None else price.wholesale_minor
        pricing.set_price(
            session, storefront_id=storefront.id, sku_id=sku_id, retail_minor=minor, currency=currency, wholesale_minor=wholesale
        )
        planted.seeded.prices += 1
    offer = supply.own_offer(session, storefront=storefront, sku_id=sku_id)
    cost = offer.cost_minor if wanted.cost is None else parse_minor(wanted.cost, currency)
    if (offer.cost_minor, offer.cost_currency) != (cost, currency):
        supply.set_cost(session, offer_id=offer.id, cost_minor=cost, cost_currency=currency)
    planted.offers[wanted.slug] = (offer.id, sku_id)
