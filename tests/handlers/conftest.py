"""An open shop for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.database import Shop
from core.storefronts import Storefront
from tests.handlers.counter import Counter, opened


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    """The shop with its bot, a courier and Stars; a Star is worth ten fen."""
    async with opened(shop, storefront) as running:
        yield running
