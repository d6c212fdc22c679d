"""What a buyer is asked before paying: fields with choices or a named pattern, and what becomes of what they typed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from core.errors import N_, Refusal

LONGEST = 300  # characters of an answer
LONGEST_NAME = 30  # of a field that is set from now on: it stands in a button
MOST_FIELDS = 8
MOST_CHOICES = 24
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}", re.ASCII)  # as the source spells it
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}", re.ASCII)
_UID = re.compile(r"[A-Za-z0-9._-]{3,40}", re.ASCII)
_PHONE_CN = re.compile(r"(?:\+?86|0086)?(1[3-9][0-9]{9})", re.ASCII)
_PHONE = re.compile(r"\+?[0-9]{7,15}", re.ASCII)
_AROUND_PHONES = str.maketrans("", "", " -().\u2010\u2011\u2012\u2013\u2014")


@dataclass(eq=False)
class FieldWrong(Refusal):
    """An answer is not what its field asks for. It does not quote what was typed."""

    says: ClassVar[str] = N_("“{field}” does not look right. Please type it again, for example: {example}")

    field: str
    example: str
    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """One question to the buyer. `name` is what the source calls it; it is answered by one of `choices`, or by typing a `pattern`."""

    name: str
    title: str
    titles: Mapping[str, str] = field(default_factory=dict)
    pattern: str = "free"
    choices: Sequence[str] = ()
    optional: bool = False
    own_example: str = ""

    def title_in(self, language: str) -> str:
        """The question in this language, or as the shopkeeper wrote it."""
        return self.titles.get(language) or self.title

    @property
    def example(self) -> str:
        """An answer that would do."""
        return self.own_example or (self.choices[0] if self.choices else PATTERNS[self.pattern].example)

    def clean(self, typed: str) -> str:
        """The answer as it is kept and sent to the source; empty when the field is optional and nothing was said. Raises FieldWrong."""
        said = plainly(typed)
        if not said and self.optional:
            return ""
        if self.choices:
            cleaned = next((choice for choice in self.choices if choice.casefold() == said.casefold()), None)
        else:
            cleaned = PATTERNS[self.pattern].clean(said) if 0 < len(said) <= LONGEST else None
        if cleaned is None:
            raise FieldWrong(field=self.title, example=self.example, name=self.name)
        return cleaned


@dataclass(frozen=True, slots=True)
class Pattern:
    """What may be typed. Patterns are ours and of bounded length: nobody can write one that hangs."""

    title: str
    example: str
    clean: Callable[[str], str | None]


def plainly(typed: str) -> str:
    """One line as a person means it: full-width letters narrow, blanks single, nothing invisible."""
    folded = unicodedata.normalize("NFKC", typed[: LONGEST * 4])
    seen = "".join(" " if letter.isspace() else letter for letter in folded if letter.isspace() or unicodedata.category(letter)[0] != "C")
    return " ".join(seen.split())


def _phone_cn(said: str) -> str | None:
    found = _PHONE_CN.fullmatch(said.translate(_AROUND_PHONES))
    return found[1] if found else None


def _phone(said: str) -> str | None:
    bare = said.translate(_AROUND_PHONES)
    return bare if _PHONE.fullmatch(bare) else None


def _digits(said: str) -> str | None:
    bare = said.replace(" ", "").replace("-", "")
    return bare if bare.isascii() and bare.isdigit() and 4 <= len(bare) <= 24 else None


def _email(said: str) -> str | None:
    if not _EMAIL.fullmatch(said) or ".." in said:
        return None
    local, _, domain = said.rpartition("@")
    return f"{local}@{domain.lower()}"


def _uid(said: str) -> str | None:
    return said if _UID.fullmatch(said) else None


def _free(said: str) -> str | None:
    return said


PATTERNS: Mapping[str, Pattern] = {
    "phone-cn": Pattern(N_("Chinese mobile number"), "13812345678", _phone_cn),
    "phone": Pattern(N_("Phone number with country code"), "+7 912 345 67 89", _phone),
    "digits": Pattern(N_("Digits only"), "100023456", _digits),
    "uid": Pattern(N_("Player ID or user name"), "player_2024", _uid),
    "email": Pattern(N_("E-mail address"), "name@example.com", _email),
    "free": Pattern(N_("Any text"), "…", _free),
}


# The schema as it is kept with a product


@dataclass(eq=False)
class FieldsWrong(Refusal):
    """A list of fields cannot be asked like that; the sentence says what to write."""

    says: ClassVar[str] = N_("A field needs a name of small Latin letters such as account, a title, and a pattern from the list.")


@dataclass(eq=False)
class TooManyFields(Refusal):
    says: ClassVar[str] = N_("A buyer can be asked at most {most} things, each with at most {choices} choices.")

    most: int
    choices: int


@dataclass(eq=False)
class FieldTwice(Refusal):
    says: ClassVar[str] = N_("Two fields are called “{name}”. Please give each a name of its own.")

    name: str


def fields_of(schema: object) -> list[Field]:
    """The fields that are kept as JSON; raises FieldsWrong, TooManyFields or FieldTwice when they cannot be asked."""
    if schema in (None, []):
        return []
    if not isinstance(schema, list):
        raise FieldsWrong
    if len(schema) > MOST_FIELDS:
        raise TooManyFields(most=MOST_FIELDS, choices=MOST_CHOICES)
    made: list[Field] = []
    for written in schema:
        one = _field(written)
        if any(one.name == other.name for other in made):
            raise FieldTwice(name=one.name)
        made.append(one)
    return made


def _field(written: object) -> Field:
    if not isinstance(written, dict) or set(written) - {"name", "title", "titles", "pattern", "choices", "optional", "example"}:
        raise FieldsWrong
    name, title, pattern = written.get("name"), written.get("title"), written.get("pattern", "free")
    titles, choices, example = written.get("titles", {}), written.get("choices", []), written.get("example", "")
    if not (isinstance(name, str) and _NAME.fullmatch(name) and isinstance(title, str) and 0 < len(plainly(title)) <= 60):
        raise FieldsWrong
    if not (isinstance(pattern, str) and pattern in PATTERNS and isinstance(example, str) and len(example) <= 60):
        raise FieldsWrong
    if not (isinstance(titles, dict) and all(isinstance(k, str) and isinstance(v, str) and 0 < len(v) <= 60 for k, v in titles.items())):
        raise FieldsWrong
    if not isinstance(choices, list) or not isinstance(written.get("optional", False), bool):
        raise FieldsWrong
    if len(choices) > MOST_CHOICES:
        raise TooManyFields(most=MOST_FIELDS, choices=MOST_CHOICES)
    said = [plainly(choice) if isinstance(choice, str) else "" for choice in choices]
    if any(not 0 < len(choice) <= 40 for choice in said) or len({choice.casefold() for choice in said}) < len(said):
        raise FieldsWrong
    return Field(name, plainly(title), dict(titles), pattern, tuple(said), bool(written.get("optional", False)), plainly(example))


def schema_of(fields: Sequence[Field]) -> list[dict[str, Any]]:
    """The fields as JSON, such as `fields_of` reads."""
    return [
        {
            "name": one.name,
            "title": one.title,
            "titles": dict(one.titles),
            "pattern": one.pattern,
            "choices": list(one.choices),
            "optional": one.optional,
            "example": one.own_example,
        }
        for one in fields
    ]


def masked(answer: str) -> str:
    """An answer that its owner recognises and nobody can use: 138****5678."""
    if "@" in answer:
        local, _, domain = answer.partition("@")
        return f"{local[:2]}****@{domain}"
    if len(answer) >= 9:
        return f"{answer[:3]}****{answer[-4:]}"
    return f"{answer[:2]}****{answer[-1:]}" if len(answer) >= 5 else answer
