"""`shop seed` and `shop import-codes`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from bot.commands.opening import shop_to_write
from bot.seed import SeedWrong, read_catalogue, seed
from bot.settings import read_settings
from core import catalog, fulfilment, inventory, standing
from core.catalog import ProductView
from core.errors import Refusal
from papers.codes import BadLine, Fault, Limits, Unreadable, Why
from papers.codes_in import read_codes

DEMO_CATALOGUE = Path(__file__).parents[1] / "demo" / "catalogue.yaml"
_LINES_NAMED = 20
# The shopkeeper's own file from the shopkeeper's own disk: larger than what may come through a chat.
_LIMITS = Limits(file_bytes=512 << 20, expanded_bytes=1 << 30, rows=1_000_000)

_FAULTS = {
    Fault.unknown_format: "it is not a list of codes (.txt, .csv or .xlsx, or one of these in .zip or .gz)",
    Fault.encrypted_archive: "it is encrypted",
    Fault.nested_archive: "it holds an archive inside an archive",
    Fault.outside_name: "a file in it is named as if it lay outside of it",
    Fault.too_big: "it is too big",
    Fault.too_many_members: "it holds too many files",
    Fault.expands_too_far: "it expands to far more than its size",
    Fault.too_many_rows: "it has too many lines; please split it",
    Fault.header_unclear: "two of its columns claim to be the number, or the password",
    Fault.not_text: "it is not text",
    Fault.empty: "there is no code in it",
    Fault.damaged: "it is damaged",
}


class NotImported(Exception):
    """Nothing was imported, or nobody can know it; the message says why."""


def catalogue_text(file: Path) -> str:
    """What stands in the file; raises SeedWrong when it cannot be read."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as trouble:
        raise SeedWrong(f"{file} cannot be read: {trouble.strerror}.") from None
    except UnicodeDecodeError:
        raise SeedWrong(f"{file} is not text in UTF-8.") from None


async def seed_catalogue(file: Path | None) -> None:
    """Bring the catalogue in and say what was done."""
    settings = read_settings()
    given = file or DEMO_CATALOGUE
    found = read_catalogue(await asyncio.to_thread(catalogue_text, given), given.name)
    async with shop_to_write(settings, holder="shop seed") as (shop, storefront):
        done = await seed(shop, storefront, found, name=given.name)
    if file is None:
        print("This is the demo's catalogue: its codes begin with DEMO and are worth nothing.")
    if done.codes_elsewhere:
        print(
            f"{given.name}: another import is bringing in {done.codes_elsewhere} of its codes; "
            "should that import fail, seed the file again in some minutes."
        )
    if not done.anything:
        print(f"{given.name}: everything is in the shop already ({done.codes_known} codes known); nothing was changed.")
        return
    print(
        f"{given.name}: {done.categories} categories, {done.products} products and {done.denominations} denominations added, "
        f"{done.changed} changed; {done.prices} prices and {done.rates} rates set; "
        f"{done.codes} codes put on sale, {done.codes_known} known before."
    )


async def import_file(sku_slug: str, file: Path) -> int:
    """Put the codes of a file on sale together and print the receipt; 1 when a line was refused."""
    settings = read_settings()
    stream = await asyncio.to_thread(_opened, file)
    bad: list[BadLine] = []
    with stream:
        async with shop_to_write(settings, holder="shop import-codes") as (shop, storefront):
            sku = await shop.read(catalog.sku_by_slug, sku_slug)
            if sku is None:
                raise NotImported(f"There is no denomination “{sku_slug}” in the shop; nothing was imported.")
            product = await shop.read(catalog.product, sku.product_id)
            assert product is not None, "a denomination has a product"
            offer = await shop.write(standing.own_offer, storefront=storefront, sku_id=sku.id)
            members: dict[int, tuple[str | None, int]] = {}
            try:
                receipt = await inventory.bring_in(
                    shop,
                    offer_id=offer.id,
                    sku_id=sku.id,
                    source_name=file.name,
                    by="command-line",
                    lines=_secrets(file.name, stream, bad, members, product),
                )
            except Unreadable as wrong:
                where = f"{file.name} ({wrong.member})" if wrong.member else file.name
                raise NotImported(f"{where} cannot be imported: {_FAULTS[wrong.why]}; nothing was imported.") from None
            except inventory.Refused as wrong:
                raise NotImported(f"{file.name} has more than {wrong.most} codes: please split it; nothing was imported.") from None
            except inventory.PutAside:
                raise NotImported(f"The import of {file.name} stood still for too long; nothing was imported, please try again.") from None
            except inventory.Undecided:
                raise NotImported(
                    f"The database did not answer at the last step: either all codes of {file.name} are being put on sale or none is. "
                    "Please look at the stock in some minutes, before you import the file again."
                ) from None
    if receipt.on_sale:
        print(f"{sku_slug}: {receipt.accepted} codes accepted and on sale.")
    else:
        print(
            f"{sku_slug}: {receipt.accepted} codes accepted; the last step was interrupted, so they are being put on sale "
            "by the running shop. Please do not import the file again."
        )
    print(f"Duplicate in the file: {_named(receipt.duplicate_in_file, members)}")
    print(f"In the shop already: {_named(receipt.duplicate_in_shop, members)}")
    if receipt.staged_elsewhere:
        print(
            f"Being imported elsewhere: {_named(receipt.staged_elsewhere, members)}; "
            "should that import fail, import the file again in some minutes."
        )
    for why, count in Counter(line.why.value for line in bad).most_common():
        lines = [_line(line.member, line.line) for line in bad if line.why.value == why]
        print(f"Refused, {why.replace('_', ' ')}: {count} ({_few(lines)})")
    return 1 if bad else 0


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError as trouble:
        raise NotImported(f"{file} cannot be read: {trouble.strerror}.") from None


def _secrets(
    name: str, stream: BinaryIO, bad: list[BadLine], members: dict[int, tuple[str | None, int]], product: ProductView
) -> Iterator[tuple[int, inventory.Secret]]:
    """The codes with running numbers, since line numbers repeat between the files of an archive; `members` tells which is which."""
    kind, number = fulfilment.kind(product.kind), 0
    for line in read_codes(name, stream, _LIMITS):
        if isinstance(line, BadLine):
            bad.append(line)
            continue
        try:
            units = kind.units(product.terms, line.card_no, line.card_pwd, line.more)
        except Refusal as refusal:
            why = Why.not_licensed if isinstance(refusal, fulfilment.NotLicensed) else Why.not_a_whole_number
            bad.append(BadLine(line.line, why, line.member))
            continue
        for unit in units:
            number += 1
            members[number] = (line.member, line.line)
            yield number, inventory.Secret.noted(unit.card_no, unit.card_pwd, unit.notes)


def _named(numbers: list[int], members: dict[int, tuple[str | None, int]]) -> str:
    return f"{len(numbers)} ({_few([_line(*members[number]) for number in numbers])})" if numbers else "0"


def _line(member: str | None, line: int) -> str:
    return f"line {line} of {member}" if member else f"line {line}"


def _few(lines: list[str]) -> str:
    more = len(lines) - _LINES_NAMED
    return ", ".join(lines[:_LINES_NAMED]) + (f" and {more} more" if more > 0 else "")
