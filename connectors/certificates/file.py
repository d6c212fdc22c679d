"""A register that is a file: a list of certificates as CSV or JSON, which somebody keeps up to date."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from connectors.certificates._compare import compared, plain
from connectors.settings import SetUpWrong
from core.ports import CertificateAnswer, CertificateFacts, CertificateState, NotSure

NAME = "file"
MOST_BYTES = 32 << 20


class FileRegister:
    """Reads the file for each certificate anew, so that what is added counts at once."""

    name = NAME

    def __init__(self, path: Path, today: Callable[[], date] = lambda: datetime.now(UTC).date()) -> None:
        self._path, self._today = path, today

    async def check(self, certificate: CertificateFacts) -> CertificateAnswer:
        """A number that is not in the file is invalid. Raises NotSure when the file cannot be read, or not to its end."""
        try:
            rows = await asyncio.to_thread(self._rows)
            wanted = plain(certificate.number)
            found = [row for row in rows if wanted and plain(row.get("number", "")) == wanted]
            if not found:
                return CertificateAnswer(CertificateState.INVALID, {"why": "not in the register"})
            answers = [compared(certificate, row, self._today()) for row in found]
        except (OSError, ValueError, csv.Error) as trouble:
            # The file's own words are not repeated: it may be another file by mistake.
            raise NotSure(f"the register in a file: {type(trouble).__name__}") from None
        # A certificate that was renewed stands there twice.
        return next((one for one in answers if one.state is CertificateState.VALID), answers[-1])

    def _rows(self) -> list[Mapping[str, str]]:
        with self._path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ValueError("too large")
        text = content.decode("utf-8-sig")
        return _from_json(text) if self._path.suffix.lower() == ".json" else _from_csv(text)

    async def close(self) -> None:
        return None


def _from_csv(text: str) -> list[Mapping[str, str]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if "number" not in (reader.fieldnames or ()):
        raise ValueError("no column called number")
    return [{str(name): value.strip() for name, value in row.items() if isinstance(value, str)} for row in reader]


def _from_json(text: str) -> list[Mapping[str, str]]:
    try:
        rows = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("not a list of certificates")
    return [{str(name): str(value) for name, value in row.items() if value is not None} for row in rows]


def registers(settings: Mapping[str, str]) -> Sequence[FileRegister]:
    """SHOP_CERTIFICATES_FILE: a .csv or .json file with number, holder, scope, expires_on (2026-12-31) and state."""
    text = settings.get("SHOP_CERTIFICATES_FILE", "").strip()
    if not text:
        return []
    path = Path(text).expanduser()
    if path.suffix.lower() not in (".csv", ".json"):
        raise SetUpWrong("SHOP_CERTIFICATES_FILE has to name a file that ends in .csv or .json.")
    if not path.is_file():
        raise SetUpWrong("SHOP_CERTIFICATES_FILE names a file that is not there.")
    return [FileRegister(path)]
