"""The paths of the reseller API: each reads what was sent, asks the core, and says the answer in the protocol's words."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, TypeVar

import structlog
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from core import api
from core.aftersale import Reason
from core.api import ApiOrder, AsksWrong, Key
from core.database import Shop
from core.errors import Refusal
from core.money import NotAnAmount, decimal_text, parse_minor
from locales import Speech
from web.api import models as m
from web.api.gate import Gate, broke, error
from web.api.memory import Memory, OwnMemory
from web.api.page import drawn
from web.api.schema import schema_of
from web.doors import Doors
from web.unmet import ordered

log = structlog.get_logger()

PREFIX = "/api/v1"
_ENGLISH = Speech("en")
_ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": m.ErrorOut, "description": "An error; see the table"},
    "5XX": {"model": m.ErrorOut, "description": "An error; see the table"},
}
_JSON = "application/json"
Sent = TypeVar("Sent", bound=BaseModel)

Limit = Annotated[int, Query(ge=1, le=1000, description="at most so many")]
After = Annotated[str, Query(max_length=400, description="the `next` of the page before")]


@dataclass(slots=True)
class ApiDoor:
    """How the API is served: `memory` is this process's own until the shop runs with a shared one."""

    memory: Memory = field(default_factory=OwnMemory)
    per_minute: int = 3000
    key_seconds: float = 1.0


def add_api_door(app: Doors, shop: Shop, door: ApiDoor) -> None:
    """Open the door. To be called after every other door under the same prefix: what is not theirs is answered here."""
    desk = OrderDesk(shop)
    lanes = {("POST", "/orders"): desk.answer}
    gate = Gate(make_api(shop, desk), shop, lambda: door.memory, lanes=lanes, per_minute=door.per_minute, key_seconds=door.key_seconds)

    async def straight(scope: Scope, receive: Receive, send: Send) -> None:
        await gate({**scope, "root_path": PREFIX}, receive, send)

    app.straight |= {(method, PREFIX + path): straight for method, path in lanes}
    mount = Mount(PREFIX, app=gate)
    # Also what has a line break in it, or it would be answered by somebody else in other words.
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    app.router.routes.append(mount)


def make_api(shop: Shop, desk: OrderDesk) -> FastAPI:
    """The application behind the gate."""
    app = FastAPI(title="Reseller API", version="1", openapi_url=None, docs_url=None, redoc_url=None)
    app.openapi = schema_of(app, PREFIX)  # type: ignore[method-assign]
    _say_errors(app)
    _add_pages(app)
    _add_goods(app, shop)
    _add_orders(app, shop, desk)
    _add_cases(app, shop)
    return app


# What every path does


def key_of(request: Request) -> Key:
    key: Key = request.scope["key"]
    return key


def said(answer: BaseModel, status: int = 200) -> Response:
    """Written once: the answer is a model already."""
    return Response(answer.model_dump_json(), status, media_type=_JSON)


def read_body(model: type[Sent], body: bytes) -> Sent:
    """What was sent; raises AsksWrong with a sentence about the first thing that is wrong with it."""
    try:
        return model.model_validate_json(body)
    except ValidationError as wrong:
        raise AsksWrong(what=_about(wrong.errors(include_url=False, include_input=False))) from None


def _about(errors: Any) -> str:
    """The first of what pydantic found, without what was sent."""
    first = errors[0] if errors else {"loc": (), "msg": "wrong"}
    where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    return f"{where}: {first['msg']}"[:300] if where else f"the body: {first['msg']}"[:300]


def said_no(refusal: Refusal) -> Response:
    """A refusal in the table's words."""
    band = api.band(refusal)
    if band is api.INTERNAL:
        log.error("api-refusal-without-a-place", refusal=type(refusal).__name__)
    return error(band, _ENGLISH.label(refusal.says, **_ENGLISH.spoken(refusal.facts())))


def _say_errors(app: FastAPI) -> None:
    @app.exception_handler(Refusal)
    async def refused(request: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, Refusal)
        return said_no(refusal)

    @app.exception_handler(RequestValidationError)
    async def wrong(request: Request, trouble: Exception) -> Response:
        assert isinstance(trouble, RequestValidationError)
        return error(api.BAD_REQUEST, f"This request makes no sense: {_about(trouble.errors())}")

    @app.exception_handler(HTTPException)
    async def no_path(request: Request, trouble: Exception) -> Response:
        assert isinstance(trouble, HTTPException)
        answer = error(
            api.UNKNOWN_PATH if trouble.status_code in (404, 405) else api.BAD_REQUEST, "there is no such path, or not by this method"
        )
        if trouble.status_code == 405:
            answer.status_code = 405
            answer.headers.update(trouble.headers or {})
        return answer

    @app.exception_handler(Exception)
    async def internal(request: Request, trouble: Exception) -> Response:
        # Never what was asked: it may hold what a buyer typed. The gate takes the exception, which is raised once more after this.
        return broke(request.scope["path"], trouble)


def cursor(place: int) -> str:
    """An opaque word for a place in a list."""
    return base64.urlsafe_b64encode(f"1.{place}".encode()).decode().rstrip("=")


def placed(word: str) -> int:
    """The place of an opaque word; raises AsksWrong."""
    try:
        version, _, place = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)).decode("ascii").partition(".")
        if version != "1" or not place.isascii() or not place.isdigit() or len(place) > 18:
            raise ValueError
        return int(place)
    except (ValueError, binascii.Error):
        raise AsksWrong(what="after, before: pass on the word that the page before gave as next") from None


# Pages


def _add_pages(app: FastAPI) -> None:
    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> dict[str, Any]:
        return app.openapi()

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        page = HTMLResponse(drawn(app.openapi(), api.BANDS))
        page.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"
        return page


# Goods


def _add_goods(app: FastAPI, shop: Shop) -> None:
    @app.get("/ping", response_model=m.PingOut, responses=_ERRORS, tags=["shop"], summary="Is it there, and is the signature right?")
    async def ping(request: Request) -> Response:
        key = key_of(request)
        return said(m.PingOut(now=int(time.time()), key=key.name, sandbox=key.sandbox))

    @app.get("/me", response_model=m.MeOut, responses=_ERRORS, tags=["shop"], summary="Who the key belongs to, and the balance")
    async def me(request: Request) -> Response:
        found = await shop.read(api.prepaid, key_id=key_of(request).id)
        return said(
            m.MeOut(
                name=found.name,
                currency=found.currency,
                balance=decimal_text(found.balance_minor, found.currency),
                available=decimal_text(found.spendable_minor, found.currency),
            )
        )

    @app.get("/items", response_model=m.ItemsOut, responses=_ERRORS, tags=["goods"], summary="The catalogue, page by page")
    async def items(request: Request, limit: Limit = 100, after: After = "") -> Response:
        page = await shop.read(api.items, key_id=key_of(request).id, after=placed(after) if after else 0, limit=min(limit, 200))
        found = [_item(item) for item in page.items]
        return said(m.ItemsOut(items=found, next=None if page.after is None else cursor(page.after)))

    @app.get("/items/{key}", response_model=m.ItemOut, responses=_ERRORS, tags=["goods"], summary="One item")
    async def item(request: Request, key: str) -> Response:
        return said(_item(await shop.read(api.item_called, key_id=key_of(request).id, key=key)))

    @app.post(
        "/items/{key}/check",
        response_model=m.CheckOut,
        responses=_ERRORS,
        tags=["goods"],
        summary="Do these fields look right? Orders nothing",
        openapi_extra=_takes(m.FieldsIn),
    )
    async def check(request: Request, key: str) -> Response:
        asked, mine = read_body(m.FieldsIn, request.scope["body"]), key_of(request).id
        found = await shop.read(api.check, key_id=mine, sku_id=await _sku(shop, key), fields=asked.fields)
        return said(m.CheckOut(good=found.good, shown=found.shown, why=found.why))

    @app.get("/quote", response_model=m.QuoteOut, responses=_ERRORS, tags=["goods"], summary="What so many would cost")
    async def quote(
        request: Request, item: Annotated[str, Query(min_length=1, max_length=200)], quantity: Annotated[int, Query(ge=1, le=10_000)] = 1
    ) -> Response:
        found = await shop.read(api.quote, key_id=key_of(request).id, sku_id=await _sku(shop, item), quantity=quantity)
        return said(
            m.QuoteOut(
                item=found.key,
                quantity=found.quantity,
                price=decimal_text(found.unit_minor, found.currency),
                total=decimal_text(found.total_minor, found.currency),
                currency=found.currency,
                price_version=found.price_id,
                available=found.available,
            )
        )

    @app.get("/changes", response_model=m.ChangesOut, responses=_ERRORS, tags=["goods"], summary="What has changed since")
    async def changes(request: Request, after: After = "", limit: Limit = 100) -> Response:
        """Without `after`: the mark of now, and no changes. What is sold no more is a change with `active` false."""
        page = await shop.read(api.changes, key_id=key_of(request).id, after=placed(after) if after else None, limit=min(limit, 200))
        found = [change_out(each) for each in page.changes]
        return said(m.ChangesOut(changes=found, next=cursor(page.after), more=page.more))


async def _sku(shop: Shop, key: str) -> int:
    found = await shop.read(api.sku_called, key)
    if found is None:
        raise api.NoSuchItem
    return found


def _takes(model: type[BaseModel]) -> dict[str, Any]:
    """The body in the schema; it is read here and not by the framework, so that what is wrong with it is said in the table's words."""
    return {"requestBody": {"required": True, "content": {_JSON: {"schema": model.model_json_schema()}}}}


def _item(item: api.Item) -> m.ItemOut:
    assert item.price is not None, "only what is for sale is shown"
    return m.ItemOut(
        key=item.key,
        title=item.title,
        category=item.category,
        price=decimal_text(item.price.retail_minor, item.currency),
        currency=item.currency,
        tiers=[m.TierOut(quantity=tier.from_quantity, price=decimal_text(tier.unit_minor, item.currency)) for tier in item.price.tiers],
        stock=item.stock,
        active=item.active,
        kind="topup" if item.kind == "topup" else "code",
        fields=[
            m.FieldOut(
                name=one.name,
                title=one.title,
                required=not one.optional,
                pattern=None if one.pattern == "free" or one.choices else one.pattern,
                choices=list(one.choices),
                example=one.example,
            )
            for one in item.fields
        ],
        least=item.least,
        most=item.most,
        description=item.description,
        version=item.version,
    )


def change_out(change: api.Change) -> m.ChangeOut:
    """A change as the answer and the reports say it."""
    return m.ChangeOut(
        key=change.key,
        version=change.version,
        price=None if change.unit_minor is None else decimal_text(change.unit_minor, change.currency),
        currency=change.currency,
        stock=change.stock,
        active=change.active,
    )


# Orders


class OrderDesk:
    """Takes orders, and says what became of them."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._skus: dict[str, int] = {}  # Keys of items never change, nor do currencies.
        self._keys_of_items: dict[int, str] = {}
        self._currencies: dict[int, str] = {}

    async def shown(self, found: ApiOrder, status: int = 200) -> Response:
        """An order as the answer says it."""
        if found.sku_id not in self._keys_of_items:
            self._keys_of_items[found.sku_id] = await self._shop.read(api.key_of_item, found.sku_id)
        return said(_order(found, self._keys_of_items[found.sku_id]), status)

    async def order(self, key: Key, body: bytes) -> Response:
        """The same number with the same body is the order there is, for ever; raises Refusal."""
        asked = read_body(m.OrderIn, body)
        sku_id = self._skus.get(asked.item)
        if sku_id is None:
            sku_id = await _sku(self._shop, asked.item)
            if len(self._skus) > 50_000:
                self._skus.clear()
            self._skus[asked.item] = sku_id
        found = await ordered(
            self._shop,
            key,
            number=asked.number,
            sku_id=sku_id,
            quantity=asked.quantity,
            most_minor=await self._most_minor(key, asked),
            partial=asked.partial,
            fields=asked.fields or None,
            callback_url=asked.callback_url,
            request_hash=api.short_hash(body),
        )
        if key.sandbox and api.unanswered(found):
            return error(api.INTERNAL, "a sandbox order whose number ends with -error: it was made; ask by its number, or repeat it")
        return await self.shown(found, 200 if found.repeated else 201)

    async def _most_minor(self, key: Key, asked: m.OrderIn) -> int | None:
        if asked.max_cost is None:
            return None
        currency = self._currencies.get(key.storefront_id)
        if currency is None:
            currency = self._currencies[key.storefront_id] = await self._shop.read(api.currency_of, key_id=key.id)
        if asked.currency != currency:
            raise AsksWrong(what=f"currency must be {currency}, that of the prices, when there is max_cost")
        try:
            return parse_minor(asked.max_cost, currency)
        except NotAnAmount:
            raise AsksWrong(what=f"max_cost is no amount of {currency}") from None

    async def answer(self, key: Key, body: bytes) -> Response:
        """An order and whatever becomes of it, past the framework; never raises."""
        try:
            return await self.order(key, body)
        except Refusal as refusal:
            return said_no(refusal)
        except Exception as trouble:
            return broke("/orders", trouble)


def _add_orders(app: FastAPI, shop: Shop, desk: OrderDesk) -> None:
    @app.post(
        "/orders",
        response_model=m.OrderOut,
        status_code=201,
        responses={200: {"model": m.OrderOut, "description": "This order was there already"}, **_ERRORS},
        tags=["orders"],
        summary="Order by your own number",
        openapi_extra=_takes(m.OrderIn),
    )
    async def order(request: Request) -> Response:
        """The same number with the same body is the order there is, for ever; with another body it is refused (5002)."""
        return await desk.order(key_of(request), request.scope["body"])

    @app.get("/orders", response_model=m.OrderOut, responses=_ERRORS, tags=["orders"], summary="An order by your number or ours")
    async def find(request: Request, number: Annotated[str, Query(min_length=1, max_length=64)]) -> Response:
        found = await shop.read(api.find_order, key_id=key_of(request).id, number=number)
        if found is None:
            raise api.NoSuchOrder
        return await desk.shown(found)

    @app.post(
        "/orders/cancel",
        response_model=m.OrderOut,
        responses=_ERRORS,
        tags=["orders"],
        summary="Cancel what is not delivered, and was asked of nobody yet",
        openapi_extra=_takes(m.NumberIn),
    )
    async def cancel(request: Request) -> Response:
        asked = read_body(m.NumberIn, request.scope["body"])
        return await desk.shown(await shop.write(api.cancel, key_id=key_of(request).id, number=asked.number))

    @app.get(
        "/orders/{id}/codes", response_model=m.CodesOut, responses=_ERRORS, tags=["orders"], summary="The codes of an order, page by page"
    )
    async def codes(request: Request, id: str, limit: Limit = 100, after: After = "") -> Response:
        """Each time is logged before it is answered. Codes are in no other answer, and in no report."""
        mine = key_of(request).id
        order_id = await shop.read(api.order_of_number, key_id=mine, number=id[:64])
        page = await shop.write(api.codes, key_id=mine, order_id=order_id, after=placed(after) if after else 0, limit=limit)
        if page is None:
            raise api.NothingToFetch
        found = [m.CodeOut(id=str(one.id), number=one.card_no, secret=one.card_pwd, notes=list(one.notes)) for one in page.codes]
        answer = said(m.CodesOut(codes=found, next=None if page.after is None else cursor(page.after)))
        answer.headers["Cache-Control"] = "no-store"
        return answer


def _order(found: ApiOrder, item: str) -> m.OrderOut:
    return m.OrderOut(
        id=found.ours,
        number=found.number,
        state=found.state,
        item=item,
        quantity=found.quantity,
        amount=decimal_text(found.amount_minor, found.currency),
        currency=found.currency,
        got=found.got,
        codes=found.codes,
        note=found.note,
        repeated=found.repeated,
    )


# Cases and statements


def _add_cases(app: FastAPI, shop: Shop) -> None:
    @app.post(
        "/cases",
        response_model=m.CaseOut,
        status_code=201,
        responses=_ERRORS,
        tags=["after-sale"],
        summary="Report a bad code",
        openapi_extra=_takes(m.CaseIn),
    )
    async def report(request: Request) -> Response:
        asked = read_body(m.CaseIn, request.scope["body"])
        made = await shop.write(
            api.report_bad,
            key_id=key_of(request).id,
            number=asked.order,
            code_id=int(asked.code),
            reason=Reason(asked.reason),
            text=asked.text,
        )
        return said(_case(made), 201)

    @app.get("/cases", response_model=m.CasesOut, responses=_ERRORS, tags=["after-sale"], summary="Your cases, the newest first")
    async def cases(request: Request, before: After = "", limit: Limit = 50) -> Response:
        found, after = await shop.read(
            api.cases, key_id=key_of(request).id, before=placed(before) if before else None, limit=min(limit, 200)
        )
        return said(m.CasesOut(cases=[_case(one) for one in found], next=None if after is None else cursor(after)))

    @app.get("/cases/{id}", response_model=m.CaseOut, responses=_ERRORS, tags=["after-sale"], summary="One case")
    async def case(request: Request, id: str) -> Response:
        if not (id.isascii() and id.isdigit() and len(id) <= 18):
            raise api.NoSuchOrder
        return said(_case(await shop.read(api.case, key_id=key_of(request).id, case_id=int(id))))

    @app.get(
        "/statement",
        response_model=m.StatementOut,
        responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **_ERRORS},
        tags=["shop"],
        summary="The balance's movements of a day (UTC)",
    )
    async def statement(
        request: Request, day: Annotated[str, Query(pattern=r"^\d{4}-\d{2}-\d{2}$")], format: Literal["json", "csv"] = "json"
    ) -> Response:
        try:
            wanted = date.fromisoformat(day)
        except ValueError:
            raise AsksWrong(what="day must be a date such as 2026-01-31") from None
        if not 2000 <= wanted.year <= 2200:
            raise AsksWrong(what="day must be a date such as 2026-01-31")
        found = await shop.read(api.statement, key_id=key_of(request).id, day=wanted)
        lines = [
            m.LineOut(
                at=_time(line.at),
                kind=line.kind,
                amount=decimal_text(line.amount_minor, found.currency),
                balance=decimal_text(line.balance_minor, found.currency),
                number=line.number,
                id=line.ours,
            )
            for line in found.lines
        ]
        if format == "csv":
            return Response(_csv(lines), media_type="text/csv; charset=utf-8")
        opening, closing = (decimal_text(minor, found.currency) for minor in (found.opening_minor, found.closing_minor))
        return said(m.StatementOut(day=day, currency=found.currency, opening=opening, closing=closing, lines=lines))


def _csv(lines: list[m.LineOut]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(m.LineOut.model_fields)
    for line in lines:
        # A number that a spreadsheet would take for a formula is the program's own: shown as text.
        row = [f"'{value}" if name == "number" and value[:1] in "=+-@" else value for name, value in line.model_dump().items()]
        writer.writerow(row)
    return out.getvalue()


def _case(found: api.CaseOf) -> m.CaseOut:
    return m.CaseOut(
        id=str(found.id),
        order=found.order_number,
        order_id=found.ours,
        code=str(found.code_id),
        reason=found.reason,
        state=found.state,
        opened_at=_time(found.opened_at),
        due_at=_time(found.due_at),
        decided_at=None if found.decided_at is None else _time(found.decided_at),
        note=found.note,
    )


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
