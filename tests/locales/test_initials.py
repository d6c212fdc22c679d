"""Search keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locales.initials import folded, initials


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("英雄联盟点券", "yxlmdq yingxionglianmengdianquan"),
        ("英雄聯盟", "yxlm yingxionglianmeng"),
        ("重庆", "cq chongqing"),
        ("重装战姬", "zzzj zhongzhuangzhanji"),
        ("音乐会员", "yyhy yinyuehuiyuan"),
        ("率土之滨", "stzb shuaituzhibin"),
        ("女神", "ns nvshen"),
        ("Q币", "qb qbi"),
        ("Steam 充值卡", "steamczk steamchongzhika steam czk chongzhika"),
        ("Ｓｔｅａｍ", "steam"),
        ("CS:GO", "csgo cs go"),
        ("Карта", "карта"),
        ("！？", ""),
        ("", ""),
    ],
)
def test_names_are_found_by_pinyin_and_letters(text: str, keys: str) -> None:
    assert initials(text) == keys


def test_searches_ignore_case_width_and_blanks_but_not_the_script() -> None:
    assert folded("  ＳＴＥＡＭ\u3000Ｃard ") == "steam card"
    assert folded("聯盟") != folded("联盟")


@given(st.text())
def test_keys_are_single_words_in_small_letters(text: str) -> None:
    keys = initials(text).split(" ")

    assert len(keys) == len(set(keys))
    assert "\0" not in "".join(keys)
    assert folded(folded(text)) == folded(text)
