"""The page where people pay, in a real browser: pressed at every gateway, on a small phone, in both languages, light and dark."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from sandbox.gateways import State
from sandbox.gateways.page import WORDS
from tests.gateways.till import CryptoTill, Ear, EpayTill, StripeTill, Till
from tests.page.conftest import CHROMIUM_ARGUMENTS, NO_CHROMIUM, chromium_path, left_out

needs_chromium = pytest.mark.skipif(left_out(), reason=NO_CHROMIUM)


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS)
        yield browser
        await browser.close()


async def a_phone(chromium: Browser, language: str, *, dark: bool = False, width: int = 390) -> Page:
    """A new page of a person who reads that language; it forgets nothing of what goes wrong."""
    context = await chromium.new_context(
        viewport={"width": width, "height": 780}, locale=language, color_scheme="dark" if dark else "light", reduced_motion="reduce"
    )
    context.set_default_timeout(5000)
    return await context.new_page()


@pytest.mark.browser
@needs_chromium
async def test_a_payer_presses_pay_or_does_not_at_every_gateway(
    chromium: Browser, epay: EpayTill, crypto: CryptoTill, stripe: StripeTill, ear: Ear
) -> None:
    page = await a_phone(chromium, "en-US")
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
    tills: list[Till] = [epay, crypto, stripe]
    for till in tills:
        # epay leads back to an address of its own; the others come back to Telegram, which the page itself says.
        await page.goto(await till.create("A1"))
        for text in ("Lucky Cards", "A1", "¥12.50", "Steam 50"):
            await expect(page.get_by_text(text).first).to_be_visible()
        await page.get_by_role("button", name="Pay ¥12.50").click()
        if till is epay:
            await page.wait_for_url(f"{ear.url}/thanks?*")
            await page.goto(f"{till.gateway.url}/pay/{till.gateway.payments['A1'].key}")
        await expect(page.get_by_text("The shop is told by itself.")).to_be_visible()
        assert till.gateway.payments["A1"].state is State.PAID

        await page.goto(await till.create("A2"))
        await page.get_by_role("button", name="Do not pay").click()
        await expect(page.get_by_text("You can go back to the chat").first).to_be_visible()
        assert till.gateway.payments["A2"].state in (State.FAILED, State.EXPIRED) and (await till.ask("A2"))[0] is False
        await till.gateway.settled()
    await page.goto(stripe.gateway.url)
    await expect(page.get_by_role("listitem").get_by_role("link")).to_have_count(2)

    paid = [heard for heard in ear.heard if heard.path.startswith("/pay/") and b"expired" not in heard.body]
    assert [heard.path for heard in paid] == ["/pay/epay-alipay", "/pay/crypto-pay", "/pay/stripe"]
    assert wrong == []


@pytest.mark.browser
@needs_chromium
async def test_the_page_fits_a_small_phone_in_both_languages_light_and_dark(chromium: Browser, epay: EpayTill) -> None:
    await epay.mapi(type="wxpay", money="88888888.88", name="一张名字特别长的点卡" * 3, out_trade_no="NUMBER-WITHOUT-ANY-SPACE-" + "0" * 39)
    grounds = set()
    for language, label in (("en-US", "Do not pay"), ("zh-CN", "不支付")):
        for dark in (False, True):
            page = await a_phone(chromium, language, dark=dark, width=320)
            (payment,) = epay.gateway.history
            await page.goto(f"{epay.gateway.url}/pay/{payment.key}")
            refuse = page.get_by_role("button", name=label, exact=True)
            await expect(refuse).to_be_visible()
            assert await page.evaluate("document.documentElement.scrollWidth") <= 320
            box = await refuse.bounding_box()
            assert box is not None and box["height"] >= 44
            grounds.add(await page.evaluate("getComputedStyle(document.querySelector('.sheet')).backgroundColor"))
            await page.context.close()
    assert len(grounds) == 2


async def test_words_from_outside_are_never_html(epay: EpayTill) -> None:
    address = (await epay.mapi(name="<img src=x onerror=alert(1)>", sitename="'\"><script>alert(2)</script>"))["payurl"]
    async with epay.line.get(address) as response:
        text, policy = await response.text(), response.headers["Content-Security-Policy"]

    assert "&lt;img src=x" in text and "&lt;script&gt;" in text and "<img" not in text and "<script" not in text
    assert policy.startswith("default-src 'none'") and "script" not in policy


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"), ("en-GB,zh;q=0.5", "en"), ("ru,zh;q=0.3", "zh-Hans"), ("zh;q=0,de", "en")],
)
async def test_the_language_is_the_browsers_first_choice_of_the_two(epay: EpayTill, header: str, language: str) -> None:
    address = await epay.create("A1")
    async with epay.line.get(address, headers={"Accept-Language": header}) as response:
        assert f'<html lang="{language}">' in await response.text()


async def test_a_page_that_does_not_exist_and_a_button_that_does_not_either(epay: EpayTill) -> None:
    async with epay.line.get(f"{epay.gateway.url}/pay/nothing") as response:
        assert response.status == 404
    async with epay.line.post(await epay.create("A1"), data={"wish": "steal"}) as response:
        assert response.status == 400
    async with epay.line.get(f"{epay.gateway.url}/page/..%2Fpage.py") as response:
        assert response.status == 404


def test_every_sentence_of_the_page_is_there_in_both_languages_and_different() -> None:
    assert [word for word, (english, chinese) in WORDS.items() if not english or not chinese or english == chinese] == []
