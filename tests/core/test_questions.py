"""Questions change nothing and keep nobody waiting: what locks rows is a part of commands."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import core
from core.database import Read


def test_no_question_locks_a_row() -> None:
    questions = {
        f"{module.__name__}.{name}": found
        for info in pkgutil.walk_packages(core.__path__, "core.")
        for module in [importlib.import_module(info.name)]
        for name, found in vars(module).items()
        if isinstance(found, Read)
    }
    assert len(questions) > 50
    assert [name for name, question in questions.items() if "with_for_update" in inspect.getsource(question.run)] == []
