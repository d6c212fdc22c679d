"""What the demo's supply side looks like when it opens: a past that the audit believes, an application, and a shop behind the shop."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from bot.commands.opening import shop_to_read
from bot.demo.people import telegram_id
from bot.demo.stage import set_up
from bot.demo.supply import UPSTREAM, Behind
from bot.demo.tills import SUPPLY_KEY, SUPPLY_SECRET, Tills, free_port
from bot.settings import Settings
from core import audit, catalog, credit, integration, onboarding, outbox, settlement, supply


async def test_the_demo_has_a_past_that_the_audit_believes_and_finds_its_upstream_again(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, database=SecretStr(f"sqlite:///{tmp_path}/shop.db"), keys=tmp_path / "shop.keys")
    kept: list[str] = []

    def keeps(name: str, body: bytes, kind: str) -> str:
        kept.append(name)
        return f"file-of-the-local-telegram-{name}"

    addresses = []
    for new in (True, False):
        tills = Tills(free_port())
        await tills.open(tmp_path)
        try:
            await set_up(settings, Behind(tills.behind, SUPPLY_KEY, SUPPLY_SECRET), keeps, new=new)
        finally:
            await tills.close()
        addresses.append(tills.behind)

    assert kept == ["card-guide.txt", "receipt.png", "passport.pdf"]
    async with shop_to_read(settings) as shop:
        report = await shop.read(audit.audit, sample=3)
        assert report.clean, report.violations
        [chan] = await shop.read(supply.suppliers_of, telegram_id("supplier"))
        money = await shop.read(settlement.balances, supplier_id=chan.id, currency="CNY")
        # Ten of Steam, five of NetEase and seven of Q Coins are older than the seven days, each with three tenths of its spread.
        due = 10 * (9180 + 156) + 5 * (2710 + 54) + 7 * (9200 + 105)
        assert (money.due_minor + money.paid_minor, money.paying_minor) == (due, 0)
        assert 0 < money.paid_minor < due and money.held_minor > 0
        assert await shop.read(onboarding.how_many_wait, storefront_id=1) == 1
        assert (await shop.read(outbox.waiting)).open <= 2, "the card for the admin, and nothing of the past"
        [of] = await shop.read(integration.upstreams)
        assert of.name == UPSTREAM and (await shop.read(integration.settings_of, of.id))["url"] == addresses[1] != addresses[0]
        [line] = await shop.read(credit.lines_of, storefront_id=1)
        [bill] = line.due
        assert line.left_minor > 0 and line.owed.principal_minor > 0 and bill.open_minor > line.owed.principal_minor
        robux = await shop.read(catalog.sku_by_slug, "roblox-2000")
        assert robux is not None and (await shop.read(supply.left, [robux.id]))[robux.id] == 40
