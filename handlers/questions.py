"""What is asked at a desk and answered by typing: the same form for the staff and for suppliers, each with a desk of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from aiogram.types import Message

from locales import Safe

AnyDesk = TypeVar("AnyDesk")


@dataclass(frozen=True)
class Asked:
    """What a question is about."""

    id: int
    arg: str


@dataclass(frozen=True)
class Question(Generic[AnyDesk]):
    """Something that must be typed: how it is asked (with an example), what is done with the answer, where Cancel leads."""

    says: Callable[[AnyDesk, Asked], Awaitable[Safe]]
    take: Callable[[AnyDesk, Message, Asked, str], Awaitable[None]]
    back: str
