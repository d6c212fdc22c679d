"""The text a product is found by."""

from __future__ import annotations

from locales.initials import folded
from locales.searchable import search_text


def test_names_keywords_initials_and_full_pinyin_are_in_it() -> None:
    text = search_text("英雄联盟点券", "League of Legends", "LOL ＲＰ")
    for typed in ("英雄联盟", "yxlm", "yingxiong", "league", "LEGENDS", "lol", "rp", "ＬＯＬ"):
        assert folded(typed) in text, typed


def test_nothing_stands_twice_and_nothing_makes_nothing() -> None:
    words = search_text("Steam", "steam", "STEAM", " ").split(" ")
    assert len(words) == len(set(words))
    assert search_text("", " ") == ""
