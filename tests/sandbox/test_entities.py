"""HTML to entities, with Telegram's words for what is wrong, for any text whatever."""

import html

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.entities import cut, find, formatted, read_html, units
from sandbox.errors import ApiError
from sandbox.store import Json

WRAPS = {
    "b": "bold",
    "i": "italic",
    "u": "underline",
    "s": "strikethrough",
    "tg-spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("é</b>", "Unexpected end tag at byte offset 2"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<h1>x</h1>", 'Unsupported start tag "h1" at byte offset 0'),
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
        ("a <b", "Unclosed start tag at byte offset 2"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ('<a href="x', 'Unclosed start tag "a" at byte offset 0'),
        ("<a href=x!>y</a>", "Unexpected end of name token at byte offset 8"),
        ('<a ="x">y</a>', 'Empty attribute name in the tag "a" at byte offset 0'),
    ],
)
def test_wrong_html_is_refused_in_telegrams_words(source: str, complaint: str) -> None:
    with pytest.raises(ApiError) as refused:
        read_html(source)
    assert (refused.value.code, refused.value.description) == (400, f"Bad Request: can't parse entities: {complaint}")


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("a &lt;b&gt; &amp;&quot; &#128512;&#x41; &nbsp; &", 'a <b> &" 😀A &nbsp; &', []),
        ("<B>x</B>", None, None),
        ("<b>x</>", "x", [{"type": "bold", "offset": 0, "length": 1}]),
        ("<b></b>x", "x", []),
        ("😀<b>é</b>", "😀é", [{"type": "bold", "offset": 2, "length": 1}]),
        ('<span class="tg-spoiler">x</span>', "x", [{"type": "spoiler", "offset": 0, "length": 1}]),
        (
            '<a href="https://a.b/?x=1&amp;y=2">t</a>',
            "t",
            [{"type": "text_link", "offset": 0, "length": 1, "url": "https://a.b/?x=1&y=2"}],
        ),
        ("<a href='javascript:x'>t</a>", "t", []),
        ('<pre><code class="language-py">x</code></pre>', "x", [{"type": "pre", "offset": 0, "length": 1, "language": "py"}]),
        ('<code class="language-py">x</code>', "x", [{"type": "code", "offset": 0, "length": 1}]),
        ("<blockquote expandable>x</blockquote>", "x", [{"type": "expandable_blockquote", "offset": 0, "length": 1}]),
        (
            '<tg-emoji emoji-id="5">x</tg-emoji>',
            "x",
            [{"type": "custom_emoji", "offset": 0, "length": 1, "custom_emoji_id": "5"}],
        ),
        ("  <b> x </b>\n", "x", [{"type": "bold", "offset": 0, "length": 1}]),
        (
            "<b>x</b> /start",
            "x /start",
            [{"type": "bold", "offset": 0, "length": 1}, {"type": "bot_command", "offset": 2, "length": 6}],
        ),
        ("<code>/start</code>", "/start", [{"type": "code", "offset": 0, "length": 6}]),
    ],
)
def test_html_becomes_text_and_entities(source: str, text: str | None, entities: list[Json] | None) -> None:
    if text is None:
        # Telegram lowers the case of a start tag and not of an end tag, so capitals never close.
        with pytest.raises(ApiError, match="Unmatched end tag"):
            formatted(source, "HTML", None)
        return
    assert formatted(source, "HTML", None) == (text, entities)


def test_what_stands_in_the_text_is_found() -> None:
    text = "/buy@card_shop_bot 😀 https://a.b/c. me@a.io @somebody #sale 1/2 a/b #1"
    found = {(entity["type"], cut(text, entity["offset"], entity["length"])) for entity in find(text, [])}
    assert found == {
        ("bot_command", "/buy@card_shop_bot"),
        ("url", "https://a.b/c"),
        ("email", "me@a.io"),
        ("mention", "@somebody"),
        ("hashtag", "#sale"),
    }


def test_more_than_a_hundred_entities_are_forgotten_as_telegram_does() -> None:
    _, entities = formatted("<b>a</b>-" * 150, "HTML", None)
    assert len(entities) == 100


# How long an example takes says nothing on a busy machine.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

PIECES = st.lists(
    st.tuples(
        st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=5),
        st.lists(st.sampled_from(sorted(WRAPS)), max_size=3),
    ),
    max_size=8,
)


@PATIENT
@given(PIECES)
def test_offsets_point_back_to_what_was_wrapped(pieces: list[tuple[str, list[str]]]) -> None:
    source, wanted, plain = "", [], ""
    for piece, tags in pieces:
        inner = html.escape(piece)
        for tag in tags:
            inner = f"<{tag}>{inner}</{tag}>"
        wanted += [(WRAPS[tag], units(plain), piece) for tag in tags]
        plain += piece
        source += inner

    text, entities = read_html(source)

    assert text == plain
    found = [(entity["type"], entity["offset"], cut(text, entity["offset"], entity["length"])) for entity in entities]
    # A block with code of the same length in it, or the other way round, is one entity.
    assert {item for item in found if item[0] not in ("code", "pre")} == {item for item in wanted if item[0] not in ("code", "pre")}
    assert {item[1:] for item in found} == {item[1:] for item in wanted}


@PATIENT
@given(st.text(st.sampled_from("<>/=\"' &;#xab1-bspanclreftg:\n😀é\0"), max_size=40))
def test_no_text_crashes_the_reader(source: str) -> None:
    complaint = ""
    try:
        text, entities = formatted(source, "HTML", None)
    except ApiError as refusal:
        complaint = refusal.description
    if complaint:
        assert complaint.startswith("Bad Request: can't parse entities: ")
        return
    for entity in entities:
        assert 0 <= entity["offset"] < entity["offset"] + entity["length"] <= units(text)


@PATIENT
@given(st.text(max_size=60))
def test_escaped_text_comes_back_as_it_was(source: str) -> None:
    shown = formatted(source, None, None)
    assert formatted(html.escape(source, quote=False), "HTML", None) == shown
