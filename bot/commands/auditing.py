"""`shop audit`."""

from __future__ import annotations

import json

from rich.console import Console
from rich.table import Table

from bot.commands.opening import shop_to_read, usable
from bot.settings import read_settings
from core.audit import audit

_SAMPLE = 5  # batches of which two codes are opened, to prove that the key file fits


async def check_promises(*, as_json: bool) -> int:
    """Print counts and violations; 1 when there is any."""
    settings = read_settings()
    async with shop_to_read(settings) as shop:
        with usable(settings):
            report = await shop.read(audit, sample=_SAMPLE)
    if as_json:
        violations = [{"check": v.check, "about": v.about, "detail": v.detail} for v in report.violations]
        found = {"clean": report.clean, "counts": report.counts, "violated": report.violated, "violations": violations}
        print(json.dumps(found, ensure_ascii=False))
        return 0 if report.clean else 1
    console = Console(highlight=False, soft_wrap=True)
    table = Table("What there is", "Count", show_edge=False, header_style="bold")
    table.columns[1].justify = "right"
    for what, count in report.counts.items():
        table.add_row(what, f"{count:,}")
    console.print(table)
    for violation in report.violations:
        console.print(f"✗ {violation.check}: {violation.about}: {violation.detail}", style="red", markup=False)
    for check, count in report.violated.items():
        console.print(f"{count:,} × not true: {check}", style="bold red", markup=False)
    if report.clean:
        console.print("Every promise holds.", style="bold green")
    return 0 if report.clean else 1
