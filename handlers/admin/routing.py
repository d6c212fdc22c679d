"""Why each source is drawn from first, how much each reason counts, and what is on its way for an order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import brands, catalog, fulfilment, orders, routing, supply
from core.catalog import Gone
from core.errors import N_, Refusal
from core.fulfilment import TaskState, TaskView
from core.inventory import Secret
from core.orders import OrderDetail, OrderState, Passed
from core.routing import MOST_WEIGHT, RankingView
from handlers.admin.desk import QUESTIONS, Asked, Desk, Do, Go, Question, ask, do, go, number_between
from handlers.pieces import Row, bold, clipped, full_name, lines, paragraphs
from locales import Safe, Speech
from papers.codes import BadLine, Unreadable
from papers.codes_in import read_pasted

MOST_TYPED = 100  # codes in one message
_CANDIDATES = 5  # of each ranking on the screen
_STEPS = 4  # of each task on the screen
_TASKS = 3  # on one screen: with their steps they are as long as a message may be
_LONGEST_CAUSE = 120

WEIGHTS = {
    "cost": N_("low cost"),
    "success": N_("delivers what it has"),
    "aftersale": N_("few complaints"),
    "latency": N_("quick"),
    "stock": N_("much stock"),
    "region": N_("for every region"),
}
_WHY = {
    **WEIGHTS,
    "other-stopped": N_("the next one does not sell"),
    "other-empty": N_("the next one has nothing"),
    "exclusive": N_("it is exclusive"),
    "commitment": N_("a commitment"),
    "older": N_("both are as good; it was here first"),
}
_STATES = {
    TaskState.WANTED: N_("nobody was asked yet"),
    TaskState.ASKED: N_("its source has it"),
    TaskState.UNKNOWN: N_("its source could not say"),
    TaskState.DONE: N_("arrived"),
    TaskState.FAILED: N_("nothing came of it"),
}


_PASSED = {
    Passed.DATES: N_("it was outside its dates"),
    Passed.CURRENCY: N_("it is paid in another currency"),
    Passed.QUANTITY: N_("it gives other quantities only"),
    Passed.COUNTRY: N_("it sells to another country only"),
    Passed.STOPPED: N_("it was stopped at that moment"),
    Passed.QUOTA: N_("its quota covered no more"),
    Passed.ROOM: N_("no more may be owed to its supplier"),
    Passed.ASKED: N_("it was asked, and did not bring them"),
    Passed.EMPTY: N_("it had nothing"),
    Passed.PROMISED: N_("others went first: exclusive, or promised"),
}
_NOTHING_THEN = N_("it had nothing on its shelf, or did not sell at that moment")
_UNRANKED = N_("The router had not ranked its sources yet: they stood in the order in which they came.")


@dataclass(eq=False)
class NotCodes(Refusal):
    says: ClassVar[str] = N_("Line {line} is not a code. Please type one code in each line, at most {most}. Nothing was changed.")

    line: int
    most: int


def router() -> Router:
    made = Router(name="admin-routing")
    made.callback_query.register(weights, Go.filter(F.to == "routing"))
    made.callback_query.register(why_pressed, Go.filter(F.to == "why-source"))
    made.callback_query.register(way_pressed, Go.filter(F.to == "on-way"))
    made.callback_query.register(ask_now, Do.filter(F.act == "task-ask"))
    made.callback_query.register(failed, Do.filter(F.act == "task-fail"))
    made.callback_query.register(call_off, Do.filter(F.act == "call-off"))
    return made


# The weights


async def weights(press: CallbackQuery, desk: Desk) -> None:
    await show_weights(press, desk)


async def show_weights(event: Message | CallbackQuery, desk: Desk) -> None:
    """How much each reason counts, a button for each, and the newest rankings."""
    say, now = desk.speech, (await desk.shop.read(routing.weights)).data()
    rows: list[Row] = [[ask(f"{say.label(title)}: {say.number(now[name])}", "routing.weight", arg=name)] for name, title in WEIGHTS.items()]
    newest = await desk.shop.read(routing.rankings, limit=5)
    rows.append(desk.back("supply"))
    text = paragraphs(
        bold(say.label("Which source is drawn from first")),
        say.say(
            "Exclusive goods and commitments come first. Then each source gets a score, in which these count as much as you say, "
            "from 0 to {most}:",
            most=MOST_WEIGHT,
        ),
        lines(say.label("Newest decisions:"), *[await _decision(desk, view) for view in newest]) if newest else None,
    )
    await desk.show(event, text, rows)


async def _named(desk: Desk, sku_id: int) -> str:
    sku = await desk.shop.read(catalog.sku, sku_id)
    product = None if sku is None else await desk.shop.read(catalog.product, sku.product_id)
    return "?" if sku is None or product is None else full_name(product, sku, desk.speech)


async def _decision(desk: Desk, view: RankingView) -> Safe:
    say = desk.speech
    return say.say(
        "• {what}: {source} first, {why} ({when})",
        what=await _named(desk, view.sku_id),
        source=await _source(desk, view.result[0].offer_id) if view.result else "–",
        why=_reasons(say, view),
        when=say.when(view.at),
    )


def _reasons(say: Speech, view: RankingView) -> str:
    return ", ".join(say.label(_WHY[name]) for name in view.reasons) or say.label("there is no other")


async def _source(desk: Desk, offer_id: int) -> str:
    """An offer by its supplier's name."""
    found = await desk.shop.read(supply.offers, [offer_id])
    owner = await desk.shop.read(supply.supplier, found[0].supplier_id) if found else None
    return f"{owner.name} (#{offer_id})" if owner is not None else f"#{offer_id}"


async def _ask_weight(desk: Desk, asked: Asked) -> Safe:
    if asked.arg not in WEIGHTS:
        raise Gone
    say = desk.speech
    return say.say(
        "How much shall “{what}” count, from 0 to {most}? Please type a number such as {example}.",
        what=say.label(WEIGHTS[asked.arg]),
        most=MOST_WEIGHT,
        example=40,
    )


async def _take_weight(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    if asked.arg not in WEIGHTS:
        raise Gone
    value = number_between(text, 0, MOST_WEIGHT)
    await desk.shop.write(routing.set_weight, name=asked.arg, value=value, by=desk.by)
    await show_weights(message, desk)


QUESTIONS["routing.weight"] = Question(_ask_weight, _take_weight, "routing")


# Why this source


async def _order(desk: Desk, order_id: int) -> OrderDetail:
    """The order, when it is of this storefront."""
    found = await desk.shop.read(orders.detail, order_id=order_id)
    buyer = (
        None if found is None else await desk.shop.read(brands.served, storefront_id=desk.storefront.id, customer_id=found.card.buyer_id)
    )
    if found is None or buyer is None:
        raise Gone
    return found


async def why_pressed(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """For each line of an order: by which ranking its source was chosen, the candidates with their scores, and why the first won."""
    say, found = desk.speech, await _order(desk, callback_data.id)
    heads: dict[tuple[int, int | None], list[Safe]] = {}
    sold = await desk.shop.read(orders.lines_of, found.card.order_id)
    passed = await desk.shop.read(orders.passed_over, found.card.order_id)
    for line in sold:
        said = say.say(
            "{quantity} from {source}, ranking {version}",
            quantity=say.number(line.quantity),
            source=bold(await _source(desk, line.offer_id)),
            version=line.ranking_version or "–",
        )
        heads.setdefault((line.sku_id, line.ranking_version), []).append(said)
    parts: list[Safe] = []
    for (sku_id, version), told in heads.items():
        mine = {line.offer_id for line in sold if (line.sku_id, line.ranking_version) == (sku_id, version)}
        view = None if version is None else await desk.shop.read(routing.ranking, sku_id=sku_id, version=version)
        parts += [lines(*told, *await _unranked(desk, mine, passed))] if view is None else await _ranked(desk, view, told, mine, passed)
    title = say.say("<b>Why these sources</b>, order {number}", number=found.card.number)
    await desk.show(press, paragraphs(title, *parts), [[go(say.label("‹ Back"), "order", found.card.order_id), desk.home()]])


async def _ranked(desk: Desk, view: RankingView, told: Sequence[Safe], mine: Collection[int], passed: Mapping[int, Passed]) -> list[Safe]:
    """What was drawn from `mine` by this ranking, and its candidates, each once, however many sources the order was split over."""
    say, places = desk.speech, {scored.offer_id: place for place, scored in enumerate(view.result)}
    late = [
        say.say("{source} had joined a moment before, and stood last.", source=await _source(desk, offer_id))
        for offer_id in mine
        if offer_id not in places
    ]
    parts = [lines(*told, say.say("First because: {why}", why=_reasons(say, view)), *late)]
    last = max(places.get(offer_id, len(places)) for offer_id in mine)
    for offer_id, place in list(places.items())[:_CANDIDATES]:
        went_by = place < last and offer_id not in mine
        why = say.label(_PASSED[passed[offer_id]] if offer_id in passed else _NOTHING_THEN)
        parts.append(lines(await _candidate(desk, view, place), say.say("↳ passed over: {why}", why=why) if went_by else None))
    return parts


async def _unranked(desk: Desk, mine: Collection[int], passed: Mapping[int, Passed]) -> list[Safe]:
    """What is known of a choice that no ranking made."""
    say = desk.speech
    if len(mine) == 1 and not passed:
        return [say.say("It was the only source, so nothing had to be decided.")]
    return [say.say(_UNRANKED), *[await _passed(desk, offer_id, why) for offer_id, why in passed.items()]]


async def _passed(desk: Desk, offer_id: int, why: Passed) -> Safe:
    return desk.speech.say("{source}: {why}", source=await _source(desk, offer_id), why=desk.speech.label(_PASSED[why]))


async def _candidate(desk: Desk, view: RankingView, place: int) -> Safe:
    say, scored = desk.speech, view.result[place]
    inputs = view.inputs[scored.offer_id]
    marks = [say.label(WEIGHTS[name]) + f" {value}" for name, value in scored.parts.items()]
    state = None if inputs.sells and inputs.stock else say.label("had nothing") if inputs.sells else say.label("did not sell")
    return say.say(
        "{place}. {source}: {total} of 1000 ({parts})",
        place=place + 1,
        source=await _source(desk, scored.offer_id),
        total=scored.total,
        parts=", ".join([*([state] if state else []), *marks]),
    )


# What is on its way


async def way_pressed(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_way(press, desk, callback_data.id, callback_data.page)


async def show_way(event: Message | CallbackQuery, desk: Desk, order_id: int, page: int = 0) -> None:
    """The tasks of an order with their last steps, some at a time, and what can be decided about those that are open: they come first."""
    say, found = desk.speech, await _order(desk, order_id)
    tasks = await desk.shop.read(orders.on_its_way, order_id)
    numbered = sorted(enumerate(tasks, 1), key=lambda one: not one[1].open)
    page = min(page, max(0, len(numbered) - 1) // _TASKS)
    shown = numbered[page * _TASKS : (page + 1) * _TASKS]
    steps = await desk.shop.read(fulfilment.steps_of, [task.id for _, task in shown])
    parts, rows = [], []
    for nth, task in shown:
        last = [step for step in steps if step.task_id == task.id][-_STEPS:]
        told = [say.say("• {when}: {what}", when=say.when(step.at), what=clipped(step.cause, _LONGEST_CAUSE)) for step in last]
        parts.append(lines(await _task(desk, nth, task), *told))
        if task.open:
            rows += _decisions(say, nth, task)
    unasked = any(task.open and task.asked_at is None for task in tasks)
    if found.card.state is OrderState.FULFILLING and unasked:
        rows.append([do(say.label("✖️ Call off what nobody was asked for"), "call-off", order_id, style="danger")])
    rows += [turn] if (turn := desk.pages("on-way", order_id, page, len(numbered) > (page + 1) * _TASKS)) else []
    rows.append([go(say.label("‹ Back"), "order", order_id), desk.home()])
    title = say.say("<b>On its way</b>, order {number}", number=found.card.number)
    await desk.show(event, paragraphs(title, *parts), rows)


async def _task(desk: Desk, nth: int, task: TaskView) -> Safe:
    say = desk.speech
    return lines(
        say.say(
            "{nth}. {got} of {quantity} from {source}: {state}",
            nth=nth,
            got=say.number(task.got),
            quantity=say.number(task.quantity),
            source=bold(await _source(desk, task.offer_id)),
            state=say.label(_STATES[task.state]),
        ),
        say.say("Promised by {when}. Our number there: {number}", when=say.when(task.due_at), number=Safe(f"<code>{task.number}</code>")),
        say.say("Their number: {number}", number=task.source_ref) if task.source_ref else None,
        say.say("Nobody is asked before the order is released.") if task.held else None,
        say.say("Its source took it back on {when}.", when=say.when(task.reversed_at)) if task.reversed_at else None,
    )


def _decisions(say: Speech, nth: int, task: TaskView) -> list[Row]:
    """For an open task: ask now, it arrived, it failed."""
    rows: list[Row] = []
    if not task.held:
        rows.append([do(say.label("{nth}. Ask its source now", nth=nth), "task-ask", task.id)])
        rows.append([ask(say.label("{nth}. It arrived: type the codes", nth=nth), "task.codes", task.id, style="success")])
    if task.asked_at is not None:
        rows.append([do(say.label("{nth}. Nothing will come: give it back", nth=nth), "task-fail", task.id, style="danger")])
    return rows


async def _task_here(desk: Desk, task_id: int) -> TaskView:
    task = await desk.shop.read(fulfilment.task, task_id)
    if task is None:
        raise Gone
    await _order(desk, task.order_id)
    return task


async def ask_now(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    task, say = await _task_here(desk, callback_data.id), desk.speech
    done = await desk.shop.write(orders.ask_again, task_id=task.id, by=desk.by)
    await press.answer(say.label("Its source is asked now.") if done else say.label("It is over already."), show_alert=True)
    await show_way(press, desk, task.order_id)


async def failed(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    task, say = await _task_here(desk, callback_data.id), desk.speech
    done = await desk.shop.write(orders.decide_failed, task_id=task.id, by=desk.by)
    told = say.label("Another source is asked, or the money goes back.") if done else say.label("It is over already.")
    await press.answer(told, show_alert=True)
    await show_way(press, desk, task.order_id)


async def call_off(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    found, say = await _order(desk, callback_data.id), desk.speech
    called = await desk.shop.write(orders.call_off, order_id=found.card.order_id, by=desk.by, reason="")
    told = (
        say.label_many("{n} piece was called off; its money went back.", "{n} pieces were called off; their money went back.", called)
        if called
        else say.label("All of it was asked for already: it can be refunded when it is there.")
    )
    await press.answer(told, show_alert=True)
    await show_way(press, desk, found.card.order_id)


async def _ask_codes(desk: Desk, asked: Asked) -> Safe:
    task = await _task_here(desk, asked.id)
    return desk.speech.say(
        "Please send the codes that came, one in each line, at most {n}. They go to the buyer when all are there.",
        n=desk.speech.number(min(MOST_TYPED, max(1, task.missing))),
    )


def typed_codes(text: str, most: int) -> list[Secret]:
    """The codes of a message, one in each line; raises NotCodes."""
    found: list[Secret] = []
    try:
        for one in read_pasted(text):
            if isinstance(one, BadLine) or len(found) == most:
                raise NotCodes(line=one.line, most=most)
            found.append(Secret(one.card_no, one.card_pwd))
    except Unreadable:
        raise NotCodes(line=1, most=most) from None
    if not found:
        raise NotCodes(line=1, most=most)
    return found


async def _take_codes(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    task, say = await _task_here(desk, asked.id), desk.speech
    came = typed_codes(text, MOST_TYPED)
    found = await desk.shop.write(orders.decide_arrived, task_id=task.id, secrets=came, by=desk.by)
    told = lines(
        say.many("{n} code is the order's now.", "{n} codes are the order's now.", found.taken),
        say.many("{n} code was in the shop before: not taken.", "{n} codes were in the shop before: not taken.", found.refused)
        if found.refused
        else None,
        say.many("{n} code was not waited for: it is kept.", "{n} codes were not waited for: they are kept.", found.late)
        if found.late
        else None,
    )
    await desk.show(message, told, [[go(say.label("🚚 Look at it"), "on-way", task.order_id), desk.home()]])


QUESTIONS["task.codes"] = Question(_ask_codes, _take_codes, "home")
