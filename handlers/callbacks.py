"""What is written in the buttons: ids and versions as short as they can be, because Telegram gives a button 64 bytes.

A button's data is the whole state of its screen, so a button is good as long as what it names is; a forged or cut one does not parse
and is answered by the last router.
"""

from __future__ import annotations

import re
import secrets
import zlib
from enum import StrEnum
from typing import Annotated

from aiogram.filters.callback_data import CallbackData
from pydantic import BeforeValidator, Field, PlainSerializer

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SHORT = re.compile(r"[0-9a-z]{1,13}", re.ASCII)

LARGEST_ID = 2**63 - 1
LARGEST_QUANTITY = 999_999
LARGEST_SHORT = 36**6 - 1


def shortened(number: int) -> str:
    """A whole number in base 36: thirteen characters are enough for every id."""
    digits = ""
    while number or not digits:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits


def _number(written: object) -> object:
    if isinstance(written, str):
        if not _SHORT.fullmatch(written):
            raise ValueError("not a number of ours")
        return int(written, 36)
    return written


Number = Annotated[int, Field(ge=0, le=LARGEST_ID), BeforeValidator(_number), PlainSerializer(shortened)]
Quantity = Annotated[int, Field(ge=0, le=LARGEST_QUANTITY), BeforeValidator(_number), PlainSerializer(shortened)]
# What stands beside three ids in a button: versions of rules and coupons, of which no shop has two thousand million.
Short = Annotated[int, Field(ge=0, le=LARGEST_SHORT), BeforeValidator(_number), PlainSerializer(shortened)]
# A page of a list: whatever is forged, the place it begins at is a number that databases know.
Page = Short
Screen = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{4,8}$")]


def new_screen() -> str:
    """The name of one drawing of a screen; two presses on the same drawing are one purchase."""
    return secrets.token_urlsafe(5)


class Way(StrEnum):
    """Where a buyer came from, so that Back leads there."""

    TOP = "t"  # the first screen listed it
    CATEGORY = "c"  # the category's list of products
    SPREAD = "s"  # the category's screen, which listed the denominations themselves


class Home(CallbackData, prefix="h"):
    """The top of the shop. `fresh`: as a new message, because the one pressed must stay as it is (codes, news)."""

    fresh: bool = False


class Category(CallbackData, prefix="c"):
    id: Number


class Product(CallbackData, prefix="p"):
    id: Number
    way: Way = Way.CATEGORY


class Sku(CallbackData, prefix="s"):
    """The screen on which a denomination is bought; a quantity of 0 means the smallest."""

    id: Number
    quantity: Quantity = 0
    way: Way = Way.TOP
    direct: bool = True  # not by the product's own screen
    fresh: bool = False
    coupon: Short = 0
    answers: Number = 0  # what the buyer said before paying; 0 for nothing


class TypeQuantity(CallbackData, prefix="q"):
    id: Number
    way: Way
    direct: bool
    coupon: Short = 0
    answers: Number = 0


class TypeCoupon(CallbackData, prefix="v"):
    """I have a coupon: its word comes next. The rest leads back to the screen it was pressed on."""

    id: Number
    quantity: Quantity
    way: Way
    direct: bool
    answers: Number = 0


class Buy(CallbackData, prefix="b"):
    """The purchase by wallet: what the buyer saw, and on which drawing of the screen."""

    sku: Number
    price: Number
    rules: Short
    quantity: Quantity
    screen: Screen
    way: Way = Way.TOP
    direct: bool = True
    coupon: Short = 0


class BuyByStars(CallbackData, prefix="x"):
    """The same, to be paid by an invoice in Stars."""

    sku: Number
    price: Number
    rules: Short
    quantity: Quantity
    screen: Screen
    way: Way = Way.TOP
    direct: bool = True
    coupon: Short = 0


Means = Annotated[str, Field(pattern=r"^[0-9a-z]{3}$")]


def means(name: str) -> str:
    """A way to be paid in three characters: its name would be too long beside the rest."""
    return shortened(zlib.crc32(name.encode()) % 36**3).rjust(3, "0")


class PayBy(CallbackData, prefix="z"):
    """The same, to be paid by another way; what the balance holds pays a part."""

    sku: Number
    price: Number
    rules: Short
    quantity: Quantity
    screen: Screen
    means: Means
    coupon: Short = 0


class BuyFor(CallbackData, prefix="B"):
    """The purchase by wallet of what asks its buyer: the answers name the denomination, or there would be no room for both."""

    answers: Number
    price: Number
    rules: Short
    quantity: Quantity
    screen: Screen
    coupon: Short = 0


class StarsFor(CallbackData, prefix="X"):
    """The same, to be paid by an invoice in Stars."""

    answers: Number
    price: Number
    rules: Short
    quantity: Quantity
    screen: Screen
    coupon: Short = 0


class PayFor(CallbackData, prefix="Z"):
    """The same, to be paid by another way."""

    answers: Number
    price: Number
    rules: Short
    quantity: Quantity
    screen: Screen
    means: Means
    coupon: Short = 0


class Ask(CallbackData, prefix="ak"):
    """Ask what must be known before paying, as what was said the time before (`like`), or from the beginning (`afresh`)."""

    id: Number  # the denomination
    quantity: Quantity = 0
    way: Way = Way.TOP
    direct: bool = True
    coupon: Short = 0
    like: Number = 0
    afresh: bool = False


class AskField(CallbackData, prefix="af"):
    """One question of it, by its place; `choice`: answered with this one (from 1), `skip`: not at all."""

    answers: Number
    which: Short = 0
    choice: Short = 0
    skip: bool = False
    quantity: Quantity = 0
    way: Way = Way.TOP
    direct: bool = True
    coupon: Short = 0


class AnswersRight(CallbackData, prefix="ar"):
    """It is right; `unchecked`: also without knowing whether the account exists."""

    answers: Number
    unchecked: bool = False
    quantity: Quantity = 0
    way: Way = Way.TOP
    direct: bool = True
    coupon: Short = 0


class Country(CallbackData, prefix="co"):
    """Where I am; "ZZ" for one that is not listed. `id`: the denomination that made it asked, 0: by the settings."""

    code: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    id: Number = 0
    quantity: Quantity = 0
    way: Way = Way.TOP
    direct: bool = True
    coupon: Short = 0


class RegionKnown(CallbackData, prefix="rk"):
    """I know that it is redeemed elsewhere than where I am."""

    id: Number
    quantity: Quantity = 0
    way: Way = Way.TOP
    direct: bool = True
    coupon: Short = 0


class Kept(CallbackData, prefix="ke"):
    """What is kept of me: my country, and what I said before paying."""


class Forget(CallbackData, prefix="fg"):
    """Forget what I said for this product (0: for all)."""

    id: Number = 0


class Brief(CallbackData, prefix="sb"):
    """Say what I need, for a service."""

    id: Number  # the denomination


class Jobs(CallbackData, prefix="sj"):
    """My work by agreement."""

    fresh: bool = False


class Job(CallbackData, prefix="sv"):
    """One of it; `act`: l(ook), o(ff) – asked first –, O(ff, sure). "a" is in old messages only, and looks."""

    id: Number
    act: Annotated[str, Field(pattern=r"^[laoO]$")] = "l"
    fresh: bool = False


class TakeQuote(CallbackData, prefix="sq"):
    """I accept this quote, and no other that came since."""

    id: Number
    quote: Number


class Step(CallbackData, prefix="sm"):
    """A delivered step: (a)ccept it, or say that something is (w)rong with it: what, is asked first."""

    id: Number
    act: Annotated[str, Field(pattern=r"^[aw]$")]


class Task(CallbackData, prefix="tk"):
    """A task in people's hands: l(ook), t(ake), s(how what the buyer said), d(one), n(ot possible), N(ot, because of `arg`)."""

    id: Number
    act: Annotated[str, Field(pattern=r"^[ltsdnN]$")] = "l"
    arg: Short = 0
    fresh: bool = False


class Tasks(CallbackData, prefix="tl"):
    """The tasks that wait for me, a page of them."""

    page: Page = 0


class Quoting(CallbackData, prefix="qo"):
    """A brief that waits for a quote: l(ook), q(uote), n(o, thank you)."""

    id: Number
    act: Annotated[str, Field(pattern=r"^[lqn]$")] = "l"


class CheckPayment(CallbackData, prefix="f"):
    """I have paid: ask the provider now. An id of 0: look what became of the payment that this message waits for."""

    id: Number


class Payment(CallbackData, prefix="pm"):
    """A payment as it stands, in this message."""

    id: Number


class CancelTopUp(CallbackData, prefix="pn"):
    """I no longer want to pay for this top-up."""

    id: Number


class PaymentCode(CallbackData, prefix="g"):
    """The QR code of a payment as a picture."""

    id: Number


class Receipt(CallbackData, prefix="j"):
    """I have sent the money: a picture of the receipt comes next."""

    id: Number


class Watch(CallbackData, prefix="w"):
    """Tell me when it is back, or (not `wanted`) no longer; `redraw` when the pressed screen is the denomination's own."""

    id: Number
    wanted: bool = True
    redraw: bool = False


class Orders(CallbackData, prefix="o"):
    """The history, of orders older than `before` (0: the newest)."""

    before: Number = 0
    fresh: bool = False


class Order(CallbackData, prefix="d"):
    id: Number


class ShowCodes(CallbackData, prefix="k"):
    id: Number


class Open(CallbackData, prefix="O"):
    """Send the codes of a sealed order: from then on it cannot be returned."""

    id: Number


class Return(CallbackData, prefix="R"):
    """Give a sealed order back for its money; asked once more before, until `sure`."""

    id: Number
    sure: bool = False


class Again(CallbackData, prefix="a"):
    id: Number
    fresh: bool = False


class PayOrder(CallbackData, prefix="i"):
    """Send the invoice of an order that waits for its payment once more."""

    id: Number


class CancelOrder(CallbackData, prefix="n"):
    id: Number


class Wrong(CallbackData, prefix="wr"):
    """Something is wrong with an order: which of its codes?"""

    id: Number
    page: Page = 0
    fresh: bool = False


class WrongCode(CallbackData, prefix="wc"):
    """It is this code: for which reason?"""

    order: Number
    which: Number  # of its codes


class WrongReason(CallbackData, prefix="wy"):
    """For this reason, by its place in the list: what is there to say about it?"""

    order: Number
    which: Number  # of its codes
    reason: Number


class Complain(CallbackData, prefix="ws"):
    """Send the complaint without a word."""

    order: Number
    which: Number  # of its codes
    reason: Number


class Cases(CallbackData, prefix="ca"):
    """The buyer's cases older than `before` (0: the newest), of one order or (0) of all."""

    before: Number = 0
    order: Number = 0
    fresh: bool = False


class FindCases(CallbackData, prefix="cf"):
    """Type the number of an order whose cases are wanted."""


class Case(CallbackData, prefix="cs"):
    """A case with what was said before the entry `before` (0: the newest)."""

    id: Number
    before: Number = 0
    fresh: bool = False


class AnswerCase(CallbackData, prefix="ct"):
    """Say something in a case."""

    id: Number
    fresh: bool = False


class WithdrawCase(CallbackData, prefix="cx"):
    """No longer complain: asked first, done when `wanted`."""

    id: Number
    wanted: bool = False


class CasePicture(CallbackData, prefix="ci"):
    """A picture in a case, by its entry."""

    id: Number


class CasePictures(CallbackData, prefix="cg"):
    """All pictures of a case."""

    id: Number


class Balance(CallbackData, prefix="m"):
    """The wallet, with movements older than `before` (0: the newest)."""

    before: Number = 0
    fresh: bool = False


class TopUp(CallbackData, prefix="t"):
    """Money into the wallet by Stars, in minor units of the shop's currency."""

    worth: Number


class TopUpBy(CallbackData, prefix="u"):
    """The same by a way that was chosen."""

    worth: Number
    means: Means


class TypeAmount(CallbackData, prefix="y"):
    pass


class Languages(CallbackData, prefix="L"):
    pass


class Language(CallbackData, prefix="l"):
    code: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[a-z0-9]{2,8})*$", max_length=32)]


class News(CallbackData, prefix="e"):
    """Whether the customer wants broadcasts."""

    wanted: bool


class PriceNews(CallbackData, prefix="en"):
    """Whether a reseller wants to be told of changed prices."""

    wanted: bool


class Help(CallbackData, prefix="?"):
    pass
