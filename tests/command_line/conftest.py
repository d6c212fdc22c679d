"""The command line as a person has it: a working folder, an environment, and processes of their own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def environment(**settings: str) -> dict[str, str]:
    """The environment of this test run without a setting of the shop, and these."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("SHOP_")}
    return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **settings}


@dataclass(frozen=True)
class Said:
    """What a command printed and how it ended."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Shell:
    """`await shell("migrate")` runs `python -m bot migrate` in the folder, as a process."""

    folder: Path
    settings: dict[str, str]

    async def __call__(self, *arguments: str, **more: str) -> Said:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *arguments,
            cwd=self.folder,
            env=environment(**{**self.settings, **more}),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 120)
        assert process.returncode is not None
        assert b"Traceback" not in err, err.decode()
        return Said(process.returncode, out.decode(), err.decode())

    def url(self) -> str:
        return f"sqlite:///{self.folder}/data/shop.db"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """In a new folder, with nothing set."""
    return Shell(tmp_path, {})


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """The same inside this process, for what needs no process of its own: `here("audit", "--json")`."""
    from bot.__main__ import main

    for name in list(os.environ):
        if name.upper().startswith("SHOP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **settings: str) -> Said:
        with monkeypatch.context() as patched:
            for name, value in settings.items():
                patched.setenv(name, value)
            with pytest.raises(SystemExit) as end:
                main(list(arguments))
        said = capsys.readouterr()
        return Said(int(end.value.code or 0), said.out, said.err)

    return run
