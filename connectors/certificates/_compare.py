"""What a certificate as handed in is compared with: what a register has written down of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import date

from core.ports import CertificateAnswer, CertificateFacts, CertificateState


def same(one: str, other: str) -> bool:
    """Are two names or numbers equal, however they are spaced, capitalised or punctuated?"""
    return plain(one) == plain(other)


def plain(text: str) -> str:
    """Only letters and digits, without capitals and widths."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def compared(certificate: CertificateFacts, row: Mapping[str, str], today: date) -> CertificateAnswer:
    """The answer of a register that has this certificate written down as `row` (number, holder, scope, expires_on, state).

    Another holder than the one who handed it in, or a state that is not "valid", makes it invalid; raises ValueError when the row
    itself cannot be read.
    """
    facts = {name: row[name] for name in ("number", "holder", "scope", "expires_on", "state") if row.get(name)}
    state = (row.get("state") or "valid").strip().lower()
    if state not in ("valid", "invalid", "revoked", "expired"):
        raise ValueError("a state that is none")
    until = row.get("expires_on", "").strip()
    expires = date.fromisoformat(until) if until else None
    if state in ("invalid", "revoked"):
        return CertificateAnswer(CertificateState.INVALID, facts)
    if certificate.holder and row.get("holder") and not same(certificate.holder, row["holder"]):
        return CertificateAnswer(CertificateState.INVALID, {**facts, "why": "another holder"})
    if state == "expired" or (expires is not None and expires < today):
        return CertificateAnswer(CertificateState.EXPIRED, facts)
    return CertificateAnswer(CertificateState.VALID, facts)
