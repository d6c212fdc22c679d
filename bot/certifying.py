"""Certificates in the background: registers are asked about those that wait, now and then, and one that is out of reach later again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from core import standing
from core.database import Shop
from core.ports import CertificateAnswer, CertificateRegister, CertificateState, NotSure

log = structlog.get_logger()

LOOK_SECONDS = 10.0
AT_ONCE = 20
_PATIENCE_SECONDS = 20.0  # with one register; longer than its own time-out


class Certifying:
    """Asks every register that is set up; several processes may do it at once."""

    def __init__(self, shop: Shop, registers: Mapping[str, CertificateRegister]) -> None:
        self._shop = shop
        self._registers = {name: register for name, register in registers.items() if name != standing.MANUAL}

    async def run(self) -> int:
        """Ask about the certificates that are due; returns how many. Without a register they wait for a person from the start."""
        due = await self._shop.write(standing.take_due_checks, most=AT_ONCE)
        for check in due:
            if not self._registers:
                await self._shop.write(standing.ask_no_more, check_id=check.id)
                continue
            for name, register in self._registers.items():
                said = await self._asked(register, check)
                if (
                    await self._shop.write(standing.note_check, check_id=check.id, register=name, answer=said)
                    is not CertificateState.PENDING
                ):
                    break
        return len(due)

    async def _asked(self, register: CertificateRegister, check: standing.CheckView) -> CertificateAnswer | None:
        """None: it could not be asked. Whatever goes wrong there is no approval, and stops nobody else's check."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await register.check(check.facts)
        except (NotSure, TimeoutError) as trouble:
            log.info("register-not-reached", register=register.name, check=check.id, error=type(trouble).__name__)
        except Exception as trouble:
            # A register's answer may be anything, and whoever wrote its connector may be wrong: the other checks go on.
            log.error("register-failed", register=register.name, check=check.id, error=type(trouble).__name__)
        return None

    async def close(self) -> None:
        for register in self._registers.values():
            await register.close()
