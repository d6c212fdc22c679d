"""The two verbs: a question is read, a command is written, and the types keep them apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from core.errors import Refusal

P = ParamSpec("P")
R = TypeVar("R")


class Read(Generic[P, R]):
    """A question: a plain synchronous function over a Session that changes nothing."""

    def __init__(self, run: Callable[Concatenate[Session, P], R]) -> None:
        self.run = run
        update_wrapper(self, run)

    def __call__(self, session: Session, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.run(session, *args, **kwargs)


class Write(Generic[P, R]):
    """A command: a plain synchronous function over a Session, one transaction, no network inside."""

    def __init__(self, run: Callable[Concatenate[Session, P], R]) -> None:
        self.run = run
        update_wrapper(self, run)

    def __call__(self, session: Session, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run as a part of the command that calls, in its transaction."""
        return self.run(session, *args, **kwargs)


class Alone:
    """The answer of a batch that says: this one is undecided here, run it again by itself."""


ALONE = Alone()


class Gathered(Write[P, R]):
    """A command whose waiting calls are carried out together in one transaction; each still gets its own answer.

    `together(connection, asks, tools)` answers each ask (its keyword arguments) with a result, a Refusal that no
    neighbour could have caused, or ALONE. `run` is the same command by itself and is the reference for what is right.
    """

    def __init__(
        self,
        run: Callable[Concatenate[Session, P], R],
        together: Callable[[Connection, Sequence[dict[str, Any]], Any], list[R | Refusal | Alone]],
    ) -> None:
        super().__init__(run)
        self.together = together


def read(run: Callable[Concatenate[Session, P], R]) -> Read[P, R]:
    """Mark a function as a question."""
    return Read(run)


def write(run: Callable[Concatenate[Session, P], R]) -> Write[P, R]:
    """Mark a function as a command."""
    return Write(run)
