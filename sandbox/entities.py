"""HTML and plain text to message entities, as Telegram reads them: offsets and lengths in UTF-16 units, its error texts."""

import re
from dataclasses import dataclass

from sandbox import limits
from sandbox.errors import bad_request, not_modelled
from sandbox.store import Json

SIMPLE_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "u": "underline",
    "ins": "underline",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
}
TAGS = {*SIMPLE_TAGS, "a", "tg-emoji", "pre", "code", "blockquote"}
SPACE = " \t\r\n\v\0"
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
CHARACTER = re.compile(r"&(?:#x([0-9a-fA-F]{1,8})|#([0-9]{1,10})|(lt|gt|amp|quot));?")
# Outer entities come before inner ones that begin and end at the same places, in this order.
PRIORITY = ["blockquote", "expandable_blockquote", "pre", "code", "text_link", "text_mention", "bold", "italic", "underline"]

FOUND = re.compile(
    r"(?P<url>\bhttps?://[^\s<>\"]*[^\s<>\".,:;!?)\]}'])"
    r"|(?P<email>\b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b)"
    r"|(?<![\w@/])(?P<mention>@[A-Za-z][A-Za-z0-9_]{3,31})\b"
    r"|(?<![\w/])(?P<bot_command>/[A-Za-z0-9_]{1,64}(?:@[A-Za-z][A-Za-z0-9_]{3,31})?)(?![\w/@])"
    r"|(?<![\w&])(?P<hashtag>#(?=[\w]*[^\W\d])\w{1,64})"
)


def units(text: str) -> int:
    """The length of a text in UTF-16 units, in which Telegram counts."""
    return len(text) + sum(character > "\uffff" for character in text)


def cut(text: str, offset: int, length: int) -> str:
    """The piece of a text that an entity covers."""
    return text.encode("utf-16-le")[offset * 2 : (offset + length) * 2].decode("utf-16-le", "replace")


@dataclass
class Open:
    """A tag that has begun and waits for its end."""

    tag: str
    argument: str
    offset: int
    position: int
    """Where its text begins, in characters of the text read so far."""


class Reader:
    """One pass over an HTML text."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.text: list[str] = []
        self.offset = 0
        self.entities: list[Json] = []
        self.open: list[Open] = []

    def read(self) -> tuple[str, list[Json]]:
        while self.at < len(self.source):
            character = self.source[self.at]
            if character == "<":
                begin = self.at
                if self.peek(1) == "/":
                    self.end_tag(begin)
                else:
                    self.start_tag(begin)
            elif character == "&":
                self.write(self.character())
            else:
                self.write(character)
                self.at += 1
        if self.open:
            raise self.error(f'Can\'t find end tag corresponding to start tag "{self.open[-1].tag}"')
        return "".join(self.text), self.entities

    def write(self, character: str) -> None:
        self.text.append(character)
        self.offset += units(character)

    def peek(self, ahead: int = 0) -> str:
        place = self.at + ahead
        return self.source[place] if place < len(self.source) else ""

    def error(self, text: str, begin: int | None = None) -> Exception:
        return bad_request(f"can't parse entities: {text}{'' if begin is None else self.place(begin)}")

    def place(self, begin: int) -> str:
        return f" at byte offset {len(self.source[:begin].encode())}"

    def character(self) -> str:
        """The character that an `&…;` stands for, or the `&` itself when it stands for none."""
        match = CHARACTER.match(self.source, self.at)
        if match is None:
            self.at += 1
            return "&"
        hexadecimal, decimal, name = match.groups()
        if name is not None:
            found = NAMED[name]
        else:
            number = int(hexadecimal, 16) if hexadecimal else int(decimal)
            if number == 0 or number > 0x10FFFF or 0xD800 <= number < 0xE000:
                self.at += 1
                return "&"
            found = chr(number)
        self.at = match.end()
        return found

    def skip_space(self) -> None:
        while self.peek() and self.peek() in SPACE:
            self.at += 1

    def word(self, stops: str) -> str:
        begin = self.at
        while self.peek() and self.peek() not in stops:
            self.at += 1
        return self.source[begin : self.at]

    def start_tag(self, begin: int) -> None:
        self.at += 1
        tag = self.word(SPACE + ">").lower()
        if not self.peek():
            raise self.error("Unclosed start tag", begin)
        if tag not in TAGS:
            raise self.error(f'Unsupported start tag "{tag}"', begin)
        argument = ""
        while True:
            self.skip_space()
            if self.peek() == ">":
                break
            name = self.word(SPACE + "=>/\"'")
            if not self.peek():
                raise self.error(f'Unclosed start tag "{tag}"', begin)
            if not name:
                raise self.error(f'Empty attribute name in the tag "{tag}"', begin)
            argument = self.attribute(tag, name, begin) or argument
        self.at += 1
        if tag == "span" and argument != "spoiler":
            raise self.error('Tag "span" must have class "tg-spoiler"', begin)
        self.open.append(Open(tag, argument, self.offset, len(self.text)))

    def attribute(self, tag: str, name: str, begin: int) -> str:
        """What the attribute at hand says about the tag; empty when it says nothing."""
        self.skip_space()
        value = ""
        if self.peek() == "=":
            self.at += 1
            self.skip_space()
            value = self.value(tag, begin)
        if not self.peek():
            raise self.error(f'Unclosed start tag "{tag}"', begin)
        match tag, name.lower():
            case ("a", "href") | ("tg-emoji", "emoji-id"):
                return value
            case "code", "class":
                return value.removeprefix("language-") if value.startswith("language-") else ""
            case "span", "class":
                return value.removeprefix("tg-") if value.startswith("tg-") else ""
            case "blockquote", "expandable":
                return "expandable"
        return ""

    def value(self, tag: str, begin: int) -> str:
        quote = self.peek()
        if quote not in ("'", '"'):
            start = self.at
            while self.peek() and ((self.peek().isascii() and self.peek().isalnum()) or self.peek() in ".-"):
                self.at += 1
            if self.peek() and self.peek() not in SPACE + ">":
                raise self.error("Unexpected end of name token", start)
            return self.source[start : self.at].lower()
        self.at += 1
        pieces = []
        while self.peek() and self.peek() != quote:
            if self.peek() == "&":
                pieces.append(self.character())
            else:
                pieces.append(self.peek())
                self.at += 1
        self.at += 1
        return "".join(pieces)

    def end_tag(self, begin: int) -> None:
        if not self.open:
            raise self.error("Unexpected end tag", begin)
        self.at += 2
        name = self.word(SPACE + ">")
        self.skip_space()
        if self.peek() != ">":
            raise self.error("Unclosed end tag", begin)
        self.at += 1
        opened = self.open.pop()
        if name and name != opened.tag:
            raise self.error(f'Unmatched end tag{self.place(begin)}, expected "</{opened.tag}>", found "</{name}>"')
        if self.offset > opened.offset:
            self.close(opened)

    def close(self, opened: Open) -> None:
        place = {"offset": opened.offset, "length": self.offset - opened.offset}
        last = self.entities[-1] if self.entities else {}
        same_place = last.get("offset") == place["offset"] and last.get("length") == place["length"]
        match opened.tag:
            case "a":
                self.link(opened, place)
            case "tg-emoji":
                if not opened.argument.isdigit():
                    raise self.error("Invalid custom emoji identifier specified")
                self.entities.append({"type": "custom_emoji", **place, "custom_emoji_id": opened.argument})
            case "pre":
                # <pre><code class="language-python"> is one block with a language, not two entities.
                if same_place and last["type"] == "code":
                    last["type"] = "pre"
                else:
                    self.entities.append({"type": "pre", **place})
            case "code":
                language = {"language": opened.argument} if opened.argument else {}
                self.entities.append({"type": "code", **place, **language})
            case "blockquote":
                kind = "expandable_blockquote" if opened.argument else "blockquote"
                self.entities.append({"type": kind, **place})
            case tag:
                self.entities.append({"type": SIMPLE_TAGS[tag], **place})

    def link(self, opened: Open, place: Json) -> None:
        address = opened.argument or "".join(self.text[opened.position :])
        mention = re.fullmatch(r"tg://user\?id=(\d+)", address)
        if mention:
            self.entities.append({"type": "text_mention", **place, "user": {"id": int(mention[1]), "is_bot": False, "first_name": ""}})
            return
        if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+(/\S*)?", address, re.IGNORECASE):
            address = f"http://{address}"
        # Telegram drops the link of an address it cannot read and keeps the text.
        if re.fullmatch(r"(https?|tg|ton)://[^\s]+", address, re.IGNORECASE):
            self.entities.append({"type": "text_link", **place, "url": address})


def read_html(source: str) -> tuple[str, list[Json]]:
    """The text without tags, and its entities; raises ApiError with Telegram's words when a tag is wrong."""
    text, entities = Reader(source).read()
    for entity in entities:
        # A language belongs to a block; on inline code Telegram forgets it.
        if entity["type"] == "code":
            entity.pop("language", None)
    return text, entities


def trimmed(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """The text without blanks around it, entities moved and clipped to what is left."""
    body = text.strip(SPACE)
    before = units(text[: len(text) - len(text.lstrip(SPACE))]) if body else 0
    length = units(body)
    kept = []
    for entity in entities:
        begin = max(entity["offset"] - before, 0)
        end = min(entity["offset"] + entity["length"] - before, length)
        if begin < end:
            kept.append({**entity, "offset": begin, "length": end - begin})
    return body, kept


def find(text: str, entities: list[Json]) -> list[Json]:
    """Links, commands, mentions, hashtags and addresses that stand in the text as they are, outside code and links."""
    taken = [
        (entity["offset"], entity["offset"] + entity["length"])
        for entity in entities
        if entity["type"] in ("code", "pre", "text_link", "text_mention")
    ]
    found = []
    for match in FOUND.finditer(text):
        offset, length = units(text[: match.start()]), units(match.group())
        if not any(begin < offset + length and offset < end for begin, end in taken):
            found.append({"type": str(match.lastgroup), "offset": offset, "length": length})
    return found


def in_order(entities: list[Json]) -> list[Json]:
    """Entities as Telegram lists them: by place, outer before inner, no more than a hundred."""

    def place(entity: Json) -> tuple[int, int, int]:
        kind = entity["type"]
        return entity["offset"], -entity["length"], PRIORITY.index(kind) if kind in PRIORITY else len(PRIORITY)

    return sorted(entities, key=place)[: limits.ENTITIES]


def formatted(text: str, parse_mode: str | None, given: list[Json] | None) -> tuple[str, list[Json]]:
    """A text with its entities, ready to be shown; raises ApiError for a parse mode that is wrong or not modelled."""
    # XML's forbidden characters and lone halves of surrogate pairs would break whoever reads the answer.
    text = re.sub("[\ud800-\udfff\x00-\x08\x0b\x0c\x0e-\x1f]", "", text).replace("\r", "")
    mode = (parse_mode or "").lower()
    if mode == "html":
        text, entities = read_html(text)
    elif mode in ("markdown", "markdownv2"):
        raise not_modelled(f"parse_mode {parse_mode}; use HTML or entities")
    elif mode:
        raise bad_request("unsupported parse_mode")
    else:
        entities = [dict(entity) for entity in given or []]
    text, entities = trimmed(text, entities)
    return text, in_order([*entities, *find(text, entities)])
