"""What is written in the buttons of joining: ids, and the version of the application that was seen."""

from __future__ import annotations

from typing import Annotated

from aiogram.filters.callback_data import CallbackData
from pydantic import Field

from core.onboarding import Field as Asked
from core.onboarding import Kind, PaperField, PaperKind
from handlers.callbacks import Number, Short


class Supply(CallbackData, prefix="su"):
    """Where the application stands and what happens next; for a supplier, their home."""

    fresh: bool = False


class Begin(CallbackData, prefix="su1"):
    """Apply, as this."""

    kind: Kind


class Continue(CallbackData, prefix="su2"):
    """Go on with the first question that is not answered."""

    id: Number


class Summary(CallbackData, prefix="su3"):
    id: Number


class Answer(CallbackData, prefix="su4"):
    """Ask this question, again or for the first time."""

    id: Number
    field: Asked


class Choose(CallbackData, prefix="su5"):
    """The answer to a question that has only a few."""

    id: Number
    field: Asked
    value: Annotated[str, Field(pattern=r"^[a-z_]{1,16}$")]


class Papers(CallbackData, prefix="su6"):
    """The papers of an application."""

    id: Number


class Paper(CallbackData, prefix="su7"):
    id: Number


class ShowPaper(CallbackData, prefix="su8"):
    """The photo or file itself."""

    id: Number


class PaperIs(CallbackData, prefix="su9"):
    """What kind of paper it is."""

    id: Number
    kind: PaperKind


class AskPaper(CallbackData, prefix="sua"):
    """Ask this of a paper."""

    id: Number
    field: PaperField


class NothingToSay(CallbackData, prefix="sub"):
    """It never expires, or has no number."""

    id: Number
    field: PaperField


class RemovePaper(CallbackData, prefix="suc"):
    id: Number


class Send(CallbackData, prefix="sud"):
    id: Number
    version: Short


class Withdraw(CallbackData, prefix="sue"):
    """No longer apply: asked first, done when `sure`."""

    id: Number
    version: Short
    sure: bool = False


class Documents(CallbackData, prefix="suf"):
    """The approved papers of a supplier."""

    supplier: Number
    fresh: bool = False


class ShowDocument(CallbackData, prefix="sug"):
    id: Number


class Renew(CallbackData, prefix="suh"):
    """Send a newer paper for this one."""

    id: Number
    fresh: bool = False


class NeverExpires(CallbackData, prefix="sui"):
    """The newer paper that was just sent has no last day."""

    id: Number


class PayDeposit(CallbackData, prefix="suj"):
    supplier: Number
    fresh: bool = False


class AnotherPaper(CallbackData, prefix="suk"):
    """Send another paper, or go on with the one that was begun."""

    supplier: Number


class AnotherIs(CallbackData, prefix="sul"):
    """What kind of paper it is."""

    id: Number
    kind: PaperKind


class AnotherNothing(CallbackData, prefix="sum"):
    """It never expires, or has no number."""

    id: Number
    field: PaperField


class SendAnother(CallbackData, prefix="sun"):
    id: Number


class StartAgain(CallbackData, prefix="suo"):
    """Forget what was said of it."""

    id: Number


class WaitingPaper(CallbackData, prefix="sus"):
    """A paper that was sent and not looked at yet."""

    id: Number


class ShowSent(CallbackData, prefix="suq"):
    """The photo or file itself."""

    id: Number


class TakePaperBack(CallbackData, prefix="sur"):
    id: Number
