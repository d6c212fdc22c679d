"""A register that is asked over HTTPS: one JSON document there, one back."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from yarl import URL

from connectors.certificates._compare import compared, same
from connectors.line import Line, address
from connectors.settings import SetUpWrong
from core.ports import CertificateAnswer, CertificateFacts, CertificateState, NotSure

NAME = "http"
_SECONDS = 10.0
_MOST_FACTS, _MOST_CHARACTERS = 20, 300


class HttpRegister:
    """POSTs (or GETs) number, holder, scope and expiry to one address; what is no clear answer leaves a check pending."""

    name = NAME

    def __init__(
        self, url: str, token: str = "", *, get: bool = False, today: Callable[[], date] = lambda: datetime.now(UTC).date()
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        where = URL(url)
        # The line joins a path to an address: the last part of the register's is that path.
        self._path = where.name or "."
        self._line = Line("the register of certificates", str(where.parent if where.name else where), headers=headers, seconds=_SECONDS)
        self._get, self._today = get, today

    async def check(self, certificate: CertificateFacts) -> CertificateAnswer:
        """What the register says. Raises NotSure for a time-out, an error, a redirection, nonsense, or an answer about another number."""
        asked = {"number": certificate.number, "holder": certificate.holder, "scope": certificate.scope}
        if certificate.expires_on is not None:
            asked["expires_on"] = certificate.expires_on.isoformat()
        answer = await (self._line.get(self._path, asked) if self._get else self._line.post(self._path, document=asked))
        if answer.status != 200:
            raise NotSure(f"the register of certificates: status {answer.status}")
        try:
            return _read(certificate, answer.document, self._today())
        except ValueError as wrong:
            raise NotSure(f"the register of certificates: {wrong}") from None

    async def close(self) -> None:
        await self._line.close()


def _read(certificate: CertificateFacts, document: Mapping[str, Any], today: date) -> CertificateAnswer:
    """An answer such as {"state": "valid", "number": "A-1", "holder": "…", "scope": "…", "expires_on": "2026-12-31"}."""
    facts = {str(name)[:60]: str(value)[:_MOST_CHARACTERS] for name, value in list(document.items())[:_MOST_FACTS] if _is_plain(value)}
    if document.get("state") == CertificateState.PENDING.value:
        return CertificateAnswer(CertificateState.PENDING, facts)
    if not isinstance(document.get("state"), str):
        raise ValueError("an answer without a state")
    if not isinstance(document.get("number"), str) or not same(document["number"], certificate.number):
        raise ValueError("an answer about another number")
    told = compared(certificate, {name: value for name, value in facts.items() if name != "why"}, today)
    return CertificateAnswer(told.state, {**facts, **told.facts})


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def registers(settings: Mapping[str, str]) -> Sequence[HttpRegister]:
    """SHOP_CERTIFICATES_URL, and if it wants them SHOP_CERTIFICATES_TOKEN and SHOP_CERTIFICATES_METHOD (POST, or GET)."""
    if not settings.get("SHOP_CERTIFICATES_URL", "").strip():
        return []
    url = address(settings, "SHOP_CERTIFICATES_URL")
    if URL(url).scheme == "http" and not _here(URL(url).host or ""):
        raise SetUpWrong("SHOP_CERTIFICATES_URL has to begin with https:// – plain http is for this machine only.")
    method = settings.get("SHOP_CERTIFICATES_METHOD", "").strip().upper() or "POST"
    if method not in ("GET", "POST"):
        raise SetUpWrong("SHOP_CERTIFICATES_METHOD is POST or GET.")
    return [HttpRegister(url, settings.get("SHOP_CERTIFICATES_TOKEN", "").strip(), get=method == "GET")]


def _here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
