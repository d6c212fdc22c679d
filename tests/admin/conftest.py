"""An open shop with an admin."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.database import Shop
from core.storefronts import Storefront
from handlers.admin import imports_finished
from tests.admin.staff import hire
from tests.handlers.counter import Buyer, Counter, opened


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    async with opened(shop, storefront) as running:
        yield running
        await imports_finished()


@pytest.fixture
async def admin(counter: Counter) -> Buyer:
    return await hire(counter)
