"""The register that is a person: it never answers by itself, the staff decide in the chat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.ports import CertificateAnswer, CertificateFacts, CertificateState

NAME = "manual"


class Manual:
    """Always there, and always pending."""

    name = NAME

    async def check(self, certificate: CertificateFacts) -> CertificateAnswer:
        """Nobody has looked yet."""
        return CertificateAnswer(CertificateState.PENDING)

    async def close(self) -> None:
        return None


def registers(settings: Mapping[str, str]) -> Sequence[Manual]:
    """Needs no settings."""
    return [Manual()]
