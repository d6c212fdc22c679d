"""Each gateway on a free port, a shop's till before it, and an ear that hears what it reports."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from stripe import AIOHTTPClient, StripeClient

from sandbox.gateways import CryptoPayGateway, EpayGateway, Pace, StripeGateway
from tests.gateways.till import CRYPTO_TOKEN, EPAY_KEY, PID, STRIPE_KEY, STRIPE_SECRET, CryptoTill, Ear, EpayTill, StripeTill, Till

QUICK = Pace(repeat_after_seconds=(0.02, 0.04, 0.06), answer_seconds=1, hold_seconds=0.25)


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    made = Ear()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def line() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as made:
        yield made


@pytest.fixture
async def epay(line: aiohttp.ClientSession, ear: Ear) -> AsyncIterator[EpayTill]:
    gateway = EpayGateway(PID, EPAY_KEY, pace=QUICK, shop="Lucky Cards")
    await gateway.start()
    yield EpayTill(gateway, line, ear)
    await gateway.stop()


@pytest.fixture
async def crypto(line: aiohttp.ClientSession, ear: Ear) -> AsyncIterator[CryptoTill]:
    gateway = CryptoPayGateway(CRYPTO_TOKEN, webhook_url=f"{ear.url}/pay/crypto-pay", pace=QUICK, shop="Lucky Cards")
    await gateway.start()
    yield CryptoTill(gateway, line)
    await gateway.stop()


@pytest.fixture
async def stripe(ear: Ear) -> AsyncIterator[StripeTill]:
    gateway = StripeGateway(STRIPE_KEY, STRIPE_SECRET, webhook_url=f"{ear.url}/pay/stripe", pace=QUICK, shop="Lucky Cards")
    await gateway.start()
    http = AIOHTTPClient(timeout=5)
    # It repeats nothing by itself, so that each answer is seen.
    yield StripeTill(gateway, StripeClient(STRIPE_KEY, base_addresses={"api": gateway.url}, max_network_retries=0, http_client=http))
    await http.close_async()  # type: ignore[no-untyped-call]  # The library leaves this method without types.
    await gateway.stop()


@pytest.fixture(params=["epay", "crypto", "stripe"])
def till(request: pytest.FixtureRequest, ear: Ear) -> Till:
    """Each of them, one after the other."""
    found: Till = request.getfixturevalue(request.param)
    return found
