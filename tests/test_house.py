"""The rules of the house that import-linter cannot say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import CheckConstraint

from core.schema import metadata

ROOT = Path(__file__).parent.parent
CAPABILITIES = sorted(folder.name for folder in (ROOT / "core").iterdir() if (folder / "__init__.py").exists())
OURS = ("bot", "handlers", "web", "connectors", "papers", "core", "locales", "sandbox", "bench")

# The schema module imports every table so that the metadata is whole; nothing else may.
_WHOLE = {"core/schema.py"}


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports, with dots."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_a_capability_is_entered_by_its_door_only() -> None:
    broken = []
    for name in OURS:
        for path in (ROOT / name).rglob("*.py"):
            here = path.relative_to(ROOT).as_posix()
            own = path.relative_to(ROOT / "core").parts[0] if name == "core" else None
            inside = [module.split(".") for module in imports(path) if here not in _WHOLE]
            broken += [
                f"{here} imports {'.'.join(parts)}"
                for parts in inside
                if len(parts) > 2 and parts[0] == "core" and parts[1] in CAPABILITIES and parts[1] != own
            ]
    # The benchmark of the sale reads the statement itself: that is what it measures.
    assert [line for line in broken if not line.startswith("bench/sale_postgres.py")] == []


def test_every_table_is_in_the_schema() -> None:
    mapped = set()
    for path in (ROOT / "core").rglob("tables.py"):
        mapped |= set(re.findall(r'__tablename__ = "(\w+)"', path.read_text(encoding="utf-8")))

    assert mapped == set(metadata.tables)


def test_raw_statements_over_several_capabilities_stand_only_in_the_sale() -> None:
    """The declared exception: everything else uses its own tables, or a door."""
    owner = {
        table: path.parent.name
        for path in (ROOT / "core").rglob("tables.py")
        for table in re.findall(r'__tablename__ = "(\w+)"', path.read_text(encoding="utf-8"))
    }
    files = [path.relative_to(ROOT / "core") for path in (ROOT / "core").rglob("*.py")]
    # The audit and the books ask across all tables, which is what they are for; these files change nothing.
    asking = [path for path in files if path.parts[0] == "audit" or (path.parts[0] == "books" and path.name in ("figures.py", "checks.py"))]
    ordinary = [path for path in files if path.name not in ("sale_postgres.py", "sale_sqlite.py") and path not in asking]
    broken = [
        f"{path}: {used}"
        for path in ordinary
        for used in re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE) (\w+)\b", (ROOT / "core" / path).read_text(encoding="utf-8"))
        if used in owner and owner[used] != path.parts[0]
    ]
    assert broken == []


def test_no_money_is_a_float() -> None:
    for table in metadata.tables.values():
        for column in table.columns:
            assert "FLOAT" not in str(column.type).upper(), f"{table.name}.{column.name}"
            assert "NUMERIC" not in str(column.type).upper(), f"{table.name}.{column.name}"


@pytest.mark.parametrize(
    ("table", "check"), [("codes", "code_is_in_one_place"), ("accounts", "balance_above_floor"), ("postings", "amount_positive")]
)
def test_the_database_guards_what_must_never_be_false(table: str, check: str) -> None:
    names = {str(c.name) for c in metadata.tables[table].constraints if isinstance(c, CheckConstraint)}

    assert f"ck_{table}_{check}" in names


def test_every_module_says_what_it_is() -> None:
    silent = [
        path.relative_to(ROOT).as_posix()
        for name in OURS
        for path in (ROOT / name).rglob("*.py")
        if "/versions/" not in path.as_posix() and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_no_two_conversations_wait_in_the_same_state() -> None:
    """A group of states is stored by its name: two of one name would take each other's answers."""
    names: dict[str, str] = {}
    for path in sorted((ROOT / "handlers").rglob("*.py")):
        for name in re.findall(r"class (\w+)\(StatesGroup\)", path.read_text(encoding="utf-8")):
            states = set(re.findall(r"^    (\w+) = State\(\)", path.read_text(encoding="utf-8"), re.MULTILINE))
            for state in states:
                assert names.setdefault(f"{name}:{state}", path.name) == path.name, f"{name}:{state} is also in {names[f'{name}:{state}']}"
