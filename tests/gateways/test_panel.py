"""The panel of faults: switched with the keyboard in a browser, it says what the shop should do, and the gateway does what it says."""

from __future__ import annotations

from dataclasses import fields

import aiohttp
import pytest
from playwright.async_api import Browser, expect

from sandbox.gateways import Faults
from sandbox.gateways.panel import FAULTS, WORDS, offered
from tests.gateways.test_page import a_phone, chromium, needs_chromium
from tests.gateways.till import Ear, EpayTill, StripeTill, Till

__all__ = ["chromium"]


async def throw(line: aiohttp.ClientSession, till: Till, *names: str, when: str = "always", wish: str = "switch") -> int:
    """Press the panel's button with these faults chosen."""
    form = [("when", when), ("wish", wish), *(("fault", name) for name in names)]
    async with line.post(f"{till.gateway.url}/faults", data=form, allow_redirects=False) as response:
        return response.status


@pytest.mark.browser
@needs_chromium
async def test_a_fault_is_chosen_with_the_keyboard_and_happens_once(chromium: Browser, stripe: StripeTill, ear: Ear) -> None:
    page = await a_phone(chromium, "en-US")
    await page.goto(await stripe.create("A1"))
    await page.get_by_role("link", name="Faults of this gateway").press("Enter")
    await expect(page.get_by_text("No fault is on.")).to_be_visible()
    fault = page.get_by_role("checkbox", name="It never reports")
    await expect(fault).to_have_accessible_description("The shop: " + FAULTS["no_callback"][0][1])
    await fault.press("Space")
    await page.get_by_role("button", name="Switch these on").press("Enter")

    await expect(page.get_by_role("status")).to_have_text("Faults switched on: 1")
    await expect(fault).to_be_checked()
    await expect(page.get_by_role("radio", name="Only the next time")).to_be_checked()
    assert stripe.gateway.faults.no_callback and stripe.gateway.faults.next_call_only
    await stripe.gateway.pay("A1")
    await stripe.gateway.settled()
    assert ear.heard == []
    await page.goto(f"{stripe.gateway.url}/")
    await page.get_by_role("link", name="Faults of this gateway").click()
    await expect(page.get_by_text("No fault is on.")).to_be_visible()
    await stripe.create("A2")
    await stripe.gateway.pay("A2")
    await stripe.gateway.settled()
    assert len(ear.heard) == 1


@pytest.mark.browser
@needs_chromium
async def test_the_panel_fits_a_small_phone_and_can_be_read_light_and_dark(chromium: Browser, epay: EpayTill) -> None:
    for language in ("en-US", "zh-CN"):
        for dark in (False, True):
            page = await a_phone(chromium, language, dark=dark, width=320)
            await page.goto(f"{epay.gateway.url}/faults")
            assert await page.evaluate("document.documentElement.scrollWidth") <= 320
            assert await page.get_by_role("checkbox").count() == len(offered(epay.gateway.without_faults)) == 9
            heights = await page.eval_on_selector_all(".fault, .when, button", "all => all.map(one => one.getBoundingClientRect().height)")
            assert min(heights) >= 44
            assert await page.evaluate(WORST_CONTRAST) >= 4.5
            await page.context.close()


# The least contrast of a text of the panel with what is behind it, as WCAG counts it.
WORST_CONTRAST = """() => {
  const parts = (colour) => { const c = document.createElement("canvas").getContext("2d"); c.fillStyle = colour; c.fillRect(0, 0, 1, 1);
    return [...c.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (one) => { for (; one; one = one.parentElement) { const c = parts(getComputedStyle(one).backgroundColor);
    if (c[3] === 255) return c; } return [255, 255, 255]; };
  const says = (one) => [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  return Math.min(...[...document.querySelectorAll(".sheet *")].filter(says)
    .map((one) => { const [a, b] = [light(parts(getComputedStyle(one).color)), light(behind(one))].sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05); }));
}"""


async def test_what_is_switched_always_stays_until_it_is_put_right(till: Till, line: aiohttp.ClientSession, ear: Ear) -> None:
    assert await throw(line, till, "callback_twice", "wrong_sign") == 303
    for reference in ("A1", "A2"):
        await till.create(reference)
        await till.gateway.pay(reference)
        await till.gateway.settled()
    assert len(ear.heard) == 4 and not any(map(till.genuine, ear.heard))

    assert await throw(line, till, wish="clear") == 303
    assert till.gateway.faults == Faults()


async def test_the_api_is_out_of_order_once_or_until_it_is_put_right(till: Till, line: aiohttp.ClientSession) -> None:
    await throw(line, till, "errors_500", when="next")
    assert till.gateway.faults.errors_500 == 1
    await throw(line, till, "errors_500")
    assert till.gateway.faults.errors_500 > 1000 and till.gateway.faults.on == ["errors_500"]


@pytest.mark.parametrize(
    "form",
    [
        {"wish": "switch", "when": "always", "fault": "next_call_only"},
        {"wish": "switch", "when": "sometimes", "fault": "no_callback"},
        {"wish": "else", "when": "next"},
        {"fault": "__class__", "wish": "switch", "when": "next"},
        {},
    ],
)
async def test_what_is_not_on_the_panel_is_refused_and_changes_nothing(
    epay: EpayTill, line: aiohttp.ClientSession, form: dict[str, str]
) -> None:
    async with line.post(f"{epay.gateway.url}/faults", data=form) as response:
        assert response.status == 400
    assert epay.gateway.faults == Faults()


async def test_a_protocol_without_a_currency_has_no_switch_for_it(epay: EpayTill, line: aiohttp.ClientSession) -> None:
    async with line.get(f"{epay.gateway.url}/faults") as response:
        assert "wrong_currency" not in await response.text()
    assert await throw(line, epay, "wrong_currency") == 400


def test_every_switch_has_its_sentences_in_both_languages() -> None:
    assert set(FAULTS) == {field.name for field in fields(Faults)} - {"next_call_only"}
    assert [name for name, (english, chinese) in FAULTS.items() if not all((*english, *chinese)) or english == chinese] == []
    assert [word for word, (english, chinese) in WORDS.items() if english == chinese] == []
