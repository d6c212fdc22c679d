"""What comes in and goes out, as the schema and as Python; money is a decimal string everywhere."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_AMOUNT = r"^(0|[1-9][0-9]{0,15})(\.[0-9]{1,8})?$"
_VISIBLE = r"^[\x21-\x7e]+$"


def _sound(text: str) -> str:
    if "\x00" in text:
        raise ValueError("it holds the character NUL")
    return text


# PostgreSQL keeps no NUL, and no text that means something has one.
Text = Annotated[str, AfterValidator(_sound), Field(json_schema_extra={"pattern": "^[^\\x00]*$"})]
Amount = Annotated[str, Field(pattern=_AMOUNT, max_length=24, examples=["17.00"])]
Signed = Annotated[str, Field(examples=["-17.00"])]
Number = Annotated[str, Field(min_length=1, max_length=64, pattern=_VISIBLE, description="1 to 64 visible ASCII characters")]
ItemKey = Annotated[Text, Field(min_length=1, max_length=200, examples=["steam-50"])]
Fields = Annotated[dict[Annotated[Text, Field(max_length=64)], Annotated[Text, Field(max_length=300)]], Field(max_length=20)]
State = Literal["working", "done", "partly", "failed", "reversed"]


class _In(BaseModel):
    """What is sent to us: nothing that is not known, and nothing that has to be guessed."""

    model_config = ConfigDict(extra="forbid", strict=True)


class OrderIn(_In):
    number: Number
    item: ItemKey
    quantity: int = Field(ge=1, le=10_000)
    max_cost: Amount | None = Field(default=None, description="for all of it; costs it more, nothing is bought")
    currency: Annotated[Text, Field(max_length=8)] | None = Field(default=None, description="of max_cost; needed with it")
    partial: bool = Field(default=False, description="true: as many as there are; false: all or nothing")
    fields: Fields | None = Field(default=None, description="what the item asks")
    callback_url: Annotated[Text, Field(max_length=500)] | None = Field(
        default=None, description="where this order's changes are reported to"
    )


class NumberIn(_In):
    number: Number


class FieldsIn(_In):
    fields: Fields


class CaseIn(_In):
    order: Number
    code: str = Field(pattern=r"^[0-9]{1,18}$", description="the id of the code")
    reason: Literal["face-value", "wrong-code", "not-activated", "used", "other", "reclaimed"]
    text: Text = Field(default="", max_length=1000)


class PingOut(BaseModel):
    now: int = Field(description="Unix seconds of the server's clock")
    key: str
    sandbox: bool


class MeOut(BaseModel):
    name: str
    currency: str
    balance: Signed
    available: Signed = Field(description="what can be spent: the balance, and the credit that is left")


class FieldOut(BaseModel):
    name: str
    title: str
    required: bool
    pattern: str | None = Field(description="phone-cn, phone, digits, uid, email, or null: any text")
    choices: list[str]
    example: str


class TierOut(BaseModel):
    quantity: int = Field(description="from so many in one order on")
    price: Amount


class ItemOut(BaseModel):
    key: str
    title: str
    category: str
    price: Amount
    currency: str
    tiers: list[TierOut]
    stock: int | None = Field(description="counted up to 1000; null: as many as one likes")
    active: bool
    kind: Literal["code", "topup", "manual"]
    fields: list[FieldOut]
    least: int
    most: int | None
    description: str
    version: int = Field(description="grows with every change of price, stock or activity")


class ItemsOut(BaseModel):
    items: list[ItemOut]
    next: str | None = Field(description="for `after`; null at the end")


class ChangeOut(BaseModel):
    key: str
    version: int
    price: Amount | None
    currency: str
    stock: int | Literal["unlimited"]
    active: bool


class ChangesOut(BaseModel):
    changes: list[ChangeOut]
    next: str = Field(description="for `after`")
    more: bool


class QuoteOut(BaseModel):
    item: str
    quantity: int
    price: Amount = Field(description="of one")
    total: Amount
    currency: str
    price_version: int = Field(description="while it is the same, the same quantity costs the same")
    available: int = Field(description="of those asked for")


class CheckOut(BaseModel):
    good: bool
    shown: str
    why: str


class OrderOut(BaseModel):
    id: str = Field(description="ours")
    number: str = Field(description="yours")
    state: State
    item: str
    quantity: int = Field(description="asked for")
    amount: Amount = Field(description="charged for what was delivered")
    currency: str
    got: int
    codes: bool = Field(description="there are codes to be fetched")
    note: str
    repeated: bool


class CodeOut(BaseModel):
    id: str = Field(description="names it in a case")
    number: str | None
    secret: str | None
    notes: list[str]


class CodesOut(BaseModel):
    codes: list[CodeOut]
    next: str | None = Field(description="for `after`; null at the end")


class CaseOut(BaseModel):
    id: str
    order: str = Field(description="yours")
    order_id: str = Field(description="ours")
    code: str
    reason: str
    state: str = Field(description="open, answer_wanted, replaced, refunded, refused, withdrawn")
    opened_at: str
    due_at: str
    decided_at: str | None
    note: str


class CasesOut(BaseModel):
    cases: list[CaseOut]
    next: str | None = Field(description="for `before`; null at the end")


class LineOut(BaseModel):
    at: str
    kind: str
    amount: Signed
    balance: Signed
    number: str
    id: str


class StatementOut(BaseModel):
    day: str
    currency: str
    opening: Signed
    closing: Signed
    lines: list[LineOut]


class ErrorFacts(BaseModel):
    code: int
    name: str
    message: str
    retryable: bool
    final: bool


class ErrorOut(BaseModel):
    error: ErrorFacts
