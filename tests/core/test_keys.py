"""Codes at rest: unreadable without the key file, unreadable in another's place, and never in anything that is printed."""

from __future__ import annotations

import io
import json
import logging
import traceback
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import inventory, orders
from core.audit import audit
from core.database import DataKey, KeyFile, Keyring, KeysMissing, Shop, read, write
from core.database.keys import normalised
from core.inventory import OpenBatch, Sealed, Secret
from core.orders import Parcel, RevealCause
from tests.core.props import aside, scalar
from tests.stage import Goods, chat_of, person, stock

NUMBER, PASSWORD = "4111-SECRET-NUMBER", "pass-SECRET-word"
secrets_text = st.text(st.characters(exclude_characters="\x1f", exclude_categories=["Cs"]), min_size=1, max_size=40)


async def bring(shop: Shop, goods: Goods, *secrets: Secret) -> inventory.ImportReceipt:
    return await inventory.bring_in(
        shop, offer_id=goods.offer_id, sku_id=goods.sku_id, source_name="test", by="test", lines=iter(enumerate(secrets, 1))
    )


async def bought(shop: Shop, goods: Goods, quantity: int = 1) -> tuple[int, int]:
    """An order of so many; its id and its buyer's."""
    buyer = await person(shop, goods.storefront, money_minor=9500 * quantity)
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=quantity, once=f"b{buyer.id}", **goods.terms())
    return receipt.order_id, buyer.id


async def parcel(shop: Shop, order_id: int) -> Parcel:
    return await shop.write(orders.reveal, order_id=order_id, cause=RevealCause.SHOWN, to_telegram_id=await chat_of(shop, order_id))


def opened(parcel: Parcel) -> list[str]:
    return [secret.joined() for line in parcel.lines for secret in line.secrets]


# What is stored.


async def test_a_code_is_nowhere_in_the_database_in_clear(shop: Shop, goods: Goods, database_url: str) -> None:
    """Not in a column of any table: the ciphertext and a keyed fingerprint are all there is."""
    await bring(shop, goods, Secret(NUMBER, PASSWORD))

    wanted = [NUMBER, PASSWORD, normalised(NUMBER), normalised(NUMBER + PASSWORD)]
    async with aside(database_url) as connection:
        row = (await connection.execute(text("SELECT * FROM codes ORDER BY id DESC LIMIT 1"))).one()
        batch = (await connection.execute(text("SELECT * FROM batches ORDER BY id DESC LIMIT 1"))).one()
    stored = b"|".join(bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in (*row, *batch))
    assert not any(word.encode() in stored for word in wanted)
    if database_url.startswith("sqlite"):
        folder = Path(database_url.removeprefix("sqlite:///")).parent
        on_disk = b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())
        assert len(on_disk) > 100_000
        assert not any(word.encode() in on_disk for word in wanted)


async def test_another_shops_keys_do_not_open_a_code(shop: Shop, goods: Goods) -> None:
    order_id, _ = await bought(shop, goods)
    shop.tools.keys = Keyring.generate()
    with pytest.raises(InvalidTag):
        await parcel(shop, order_id)


async def test_a_key_file_without_the_batchs_key_says_which_is_missing(shop: Shop, goods: Goods) -> None:
    order_id, _ = await bought(shop, goods)
    other = Keyring.generate()
    shop.tools.keys = Keyring({"w9": other.wrapping["w1"]}, other.fingerprinting, "w9", "f1")
    with pytest.raises(KeysMissing, match="lacks the wrapping key w1"):
        await parcel(shop, order_id)


async def test_swapped_ciphertexts_fail_to_open(shop: Shop, goods: Goods, database_url: str) -> None:
    """Who can write to the database still cannot hand one buyer's code to another: the row's identity is bound into it."""
    order_id, _ = await bought(shop, goods, quantity=2)
    async with aside(database_url) as connection:
        ids = (await connection.execute(text(f"SELECT id, ciphertext FROM codes WHERE order_id = {order_id} ORDER BY id"))).all()
        for (mine, _), (_, theirs) in ((ids[0], ids[1]), (ids[1], ids[0])):
            await connection.execute(text("UPDATE codes SET ciphertext = :c WHERE id = :id"), {"c": theirs, "id": mine})
        await connection.commit()
    with pytest.raises(InvalidTag):
        await parcel(shop, order_id)


async def test_a_code_moved_to_another_batch_fails_to_open(shop: Shop, goods: Goods, database_url: str) -> None:
    await stock(shop, goods.offer_id, goods.sku_id, 5)
    order_id, _ = await bought(shop, goods)
    async with aside(database_url) as connection:
        await connection.execute(text(f"UPDATE codes SET batch_id = (SELECT max(id) FROM batches) WHERE order_id = {order_id}"))
        await connection.commit()
    with pytest.raises(InvalidTag):
        await parcel(shop, order_id)


async def test_after_a_rotation_old_codes_open_and_new_ones_use_the_new_key(shop: Shop, goods: Goods, database_url: str) -> None:
    """First the new key is only used for what is new; then one row per batch is wrapped again, and the old key may go."""
    (first,) = await stock(shop, goods.offer_id, goods.sku_id, 1)
    before, _ = await bought(shop, goods, quantity=41)
    assert first in opened(await parcel(shop, before))

    shop.tools.keys = shop.tools.keys.rotated()
    (second,) = await stock(shop, goods.offer_id, goods.sku_id, 1)
    after, _ = await bought(shop, goods)
    assert first in opened(await parcel(shop, before))
    assert opened(await parcel(shop, after)) == [second]
    assert await scalar(database_url, "SELECT wrapping_key_id FROM batches ORDER BY id DESC LIMIT 1") == "w2"

    sealed = await scalar(database_url, f"SELECT ciphertext FROM codes WHERE order_id = {before} ORDER BY id LIMIT 1")
    assert await shop.write(inventory.rewrap, after=0) == (2, None)
    assert await scalar(database_url, f"SELECT ciphertext FROM codes WHERE order_id = {before} ORDER BY id LIMIT 1") == sealed
    ring = shop.tools.keys
    shop.tools.keys = Keyring({"w2": ring.wrapping["w2"]}, ring.fingerprinting, "w2", "f1")
    assert first in opened(await parcel(shop, before))
    report = await shop.read(audit, sample=10)
    assert report.clean
    assert report.counts["codes opened"] > 0


# What is printed.


def test_nothing_that_holds_a_secret_shows_it() -> None:
    """Whatever is logged, formatted or shown by a debugger: three stars."""
    ring = Keyring.generate()
    key, wrapped, _ = ring.new_data_key("b")
    secret = Secret(NUMBER, PASSWORD)
    batch = OpenBatch(1, "b", key)
    (sealed,) = inventory.seal(ring, batch, [(1, secret)])
    hidden = [NUMBER, PASSWORD, repr(ring.wrapping["w1"]), repr(ring.fingerprinting["f1"]), repr(wrapped), repr(sealed.ciphertext)]
    hidden += [repr(sealed.fingerprint), ring.wrapping["w1"].hex()]
    for thing in (secret, key, ring, batch, sealed, [secret], {"code": secret}, (sealed,)):
        for shown in (repr(thing), str(thing), f"{thing}", f"{thing!r}"):
            assert not any(word in shown for word in hidden), type(thing)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger("test.keys")
    logger.addHandler(handler)
    logger.error("trouble with %s and %r", secret, sealed)
    logger.removeHandler(handler)
    assert NUMBER not in stream.getvalue() and "***" in stream.getvalue()


async def test_a_parcel_shows_no_code(shop: Shop, goods: Goods) -> None:
    (code,) = await stock(shop, goods.offer_id, goods.sku_id, 1)
    order_id, _ = await bought(shop, goods, quantity=41)
    delivered = await parcel(shop, order_id)
    assert code in opened(delivered)
    assert code not in repr(delivered) and code not in repr(delivered.lines)


async def test_no_engine_shows_parameters_in_an_exception(shop: Shop) -> None:
    """SQLAlchemy puts what was bound into its messages, unless told otherwise: every engine of a shop is told."""

    def engine_of(session: Session) -> Engine:
        return session.connection().engine

    for engine in (await shop.read(read(engine_of)), await shop.write(write(engine_of))):
        assert engine.hide_parameters


async def test_an_import_that_breaks_shows_no_code(shop: Shop, goods: Goods, caplog: pytest.LogCaptureFixture) -> None:
    """The database refuses the row itself: PostgreSQL quotes it in its message, and all there is to quote is sealed."""
    batch = await shop.write(inventory.open_batch, offer_id=goods.offer_id, sku_id=goods.sku_id, source_name="x", by="x")
    (sealed,) = inventory.seal(shop.tools.keys, batch, [(1, Secret(NUMBER, PASSWORD))])
    no_line: Any = None  # which no line number is
    with pytest.raises(IntegrityError) as trouble:
        await shop.write(
            inventory.stage, batch_id=batch.id, offer_id=goods.offer_id, sealed=[Sealed(no_line, sealed.ciphertext, sealed.fingerprint)]
        )
    told = "".join(traceback.format_exception(trouble.value)) + caplog.text
    assert "parameters hidden" in told
    assert NUMBER not in told and PASSWORD not in told


async def test_lines_that_break_while_they_are_read_show_no_code_and_leave_nothing(shop: Shop, goods: Goods) -> None:
    """A reader that fails in the middle of a file: all of the file is put aside, and its codes can come again."""

    def lines() -> object:
        yield 1, Secret(NUMBER, PASSWORD)
        raise ValueError("line 2 is no code")

    with pytest.raises(ValueError, match="line 2") as trouble:
        await inventory.bring_in(
            shop,
            offer_id=goods.offer_id,
            sku_id=goods.sku_id,
            source_name="x",
            by="x",
            lines=lines(),  # type: ignore[arg-type]  # What breaks on its way is not what was promised.
        )
    assert NUMBER not in "".join(traceback.format_exception(trouble.value))
    again = await bring(shop, goods, Secret(NUMBER, PASSWORD))
    assert (again.accepted, again.duplicate_in_shop) == (1, [])


# The key file.


def test_the_key_file_is_its_owners_alone(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys" / "shop.keys")
    made = file.create()
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.load() == made
    file.replace(made.rotated())
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.load().newest_wrapping == "w2"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o666])
def test_a_key_file_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = KeyFile(tmp_path / "shop.keys")
    file.create()
    file.path.chmod(mode)
    with pytest.raises(KeysMissing, match="chmod 600"):
        file.load()


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    """New keys over old ones would lose every code there is."""
    file = KeyFile(tmp_path / "shop.keys")
    made = file.create()
    with pytest.raises(FileExistsError):
        file.create()
    assert file.load() == made


def damaged(data: dict[str, object]) -> dict[str, str]:
    whole = json.dumps(data)
    return {
        "empty": "",
        "cut": whole[: len(whole) // 2],
        "a list": "[]",
        "null": "null",
        "another format": json.dumps({**data, "format": 99}),
        "a short key": json.dumps({**data, "wrapping": {"newest": "w1", "keys": {"w1": "AAAA"}}}),
        "not base64": json.dumps({**data, "wrapping": {"newest": "w1", "keys": {"w1": "*" * 44}}}),
        "keys as a list": json.dumps({**data, "fingerprinting": {"newest": "f1", "keys": ["f1"]}}),
    }


@pytest.mark.parametrize("how", list(damaged({})))
def test_a_damaged_key_file_is_one_clear_sentence(tmp_path: Path, how: str) -> None:
    """It names the file, says what to do, and quotes nothing from inside."""
    file = KeyFile(tmp_path / "shop.keys")
    file.create()
    inside = file.path.read_text()
    file.path.write_text(damaged(json.loads(inside))[how])
    with pytest.raises(KeysMissing, match="damaged: restore its backup") as trouble:
        file.load()
    assert str(file.path) in str(trouble.value)
    assert json.loads(inside)["wrapping"]["keys"]["w1"] not in "".join(traceback.format_exception(trouble.value))


def test_a_key_file_that_lacks_its_newest_key_is_refused(tmp_path: Path) -> None:
    """Better at the start than at the first import."""
    file = KeyFile(tmp_path / "shop.keys")
    file.create()
    data = json.loads(file.path.read_text())
    data["wrapping"]["newest"] = "w7"
    file.path.write_text(json.dumps(data))
    with pytest.raises(KeysMissing):
        file.load()


def test_a_missing_key_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(KeysMissing, match="missing: restore its backup"):
        KeyFile(tmp_path / "nowhere").load()


# The pieces.


@given(secrets_text, st.text(max_size=20))
def test_what_is_sealed_opens_only_for_its_row(plain: str, about: str) -> None:
    key = DataKey(b"k" * 32)
    sealed = key.seal(plain, about)
    assert key.open(sealed, about) == plain
    assert key.seal(plain, about) != sealed, "two equal codes do not look equal"
    with pytest.raises(InvalidTag):
        key.open(sealed, about + "!")
    with pytest.raises(InvalidTag):
        key.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), about)


@given(st.one_of(st.none(), secrets_text), secrets_text)
def test_number_and_password_come_back_as_they_were(number: str | None, password: str) -> None:
    secret = Secret(number, password)
    again = Secret.unpacked(secret.packed())
    assert (again.card_no, again.card_pwd) == (number, password)


@pytest.mark.parametrize("typed", ["abcd-1234-efgh", "ABCD1234EFGH", "abcd 1234 efgh", "ＡＢＣＤ１２３４ＥＦＧＨ", "abcd–1234—efgh\u00a0"])
def test_one_code_however_it_is_typed_has_one_fingerprint(typed: str) -> None:
    ring = Keyring.generate()
    assert ring.fingerprint(typed) == ring.fingerprint("ABCD-1234-EFGH")
    assert ring.fingerprint(typed) != ring.fingerprint("ABCD-1234-EFGI")
    assert ring.fingerprint(typed) != Keyring.generate().fingerprint(typed), "without the key it cannot be searched for"
