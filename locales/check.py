"""Does every language have every sentence? `python -m locales.check` says what is amiss, `--update` mends the catalogues.

A sentence is marked by the word that says it: `say`, `label` and `N_` with one sentence, `many`, `label_many` and `NN_` with a
singular and a plural. A comment `# NOTE: …` above it reaches the translators. A new language begins as an empty file
`locales/<language>/LC_MESSAGES/messages.po` and `--update`.
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from gettext import c2py
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.plurals import get_plural
from babel.messages.pofile import PoFileError, read_po, write_po

from locales.sentences import BrokenSentence, placeholders, tags, tags_close
from locales.tongues import CATALOGUE, HERE, SOURCE_LANGUAGE

ROOT = HERE.parent
FOLDERS = ("bot", "handlers", "web", "core", "connectors")
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "say": None,
    "label": None,
    "N_": None,
    "many": (1, 2),
    "label_many": (1, 2),
    "NN_": (1, 2),
}
# Folders that know no language: they only mark sentences, and a `label` there is a column of a question.
SILENT = ("core", "connectors")

_LINE = re.compile(r'(?:#.*|(?:msgctxt|msgid|msgid_plural|msgstr(?:\[\d+\])?)?\s*"(?:[^"\\]|\\.)*"\s*)?')
_NPLURALS = re.compile(r"nplurals\s*=\s*(\d+)")


@dataclass(slots=True)
class Marked:
    """One sentence of the source, where it is said and what its translators should know."""

    singular: str
    plural: str | None = None
    places: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def id(self) -> str | tuple[str, str]:
        """The identity in a catalogue."""
        return self.singular if self.plural is None else (self.singular, self.plural)


def marked(root: Path = ROOT, folders: Iterable[str] = FOLDERS) -> tuple[dict[str, Marked], list[str]]:
    """Every sentence marked in the source, by its singular, and complaints about how some of them are marked."""
    found: dict[str, Marked] = {}
    complaints: list[str] = []
    for folder in folders:
        if not (root / folder).is_dir():
            continue
        complaints += built_sentences(root, folder)
        for name, line, said, notes, _ in extract_from_dir(
            root / folder,
            method_map=[("**.py", "python")],
            keywords=words_in(folder),
            comment_tags=("NOTE:",),
            strip_comment_tags=True,
        ):
            singular, plural = said if isinstance(said, tuple) else (said, None)
            if not singular:
                continue
            place = f"{folder}/{name}:{line}"
            one = found.setdefault(singular, Marked(singular))
            if plural is not None and one.plural not in (None, plural):
                complaints.append(f"{place}: {singular!r} has another plural at {one.places[0]}")
            one.plural = one.plural if plural is None else plural
            one.places.append(place)
            one.notes += [note for note in notes if note not in one.notes]
    complaints += [complaint for one in found.values() for complaint in _flaws_of_source(one)]
    return found, complaints


def words_in(folder: str) -> dict[str, tuple[int, ...] | None]:
    """The words that mark a sentence in a folder."""
    return {word: at for word, at in KEYWORDS.items() if folder not in SILENT or word.endswith("_")}


def built_sentences(root: Path, folder: str) -> Iterator[str]:
    """Complaints about sentences put together where they are said: no catalogue can know them."""
    words = words_in(folder)
    for path in sorted((root / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
            if called in words and any(_is_built(sentence) for sentence in node.args[: 2 if words[called] else 1]):
                yield f"{path.relative_to(root)}:{node.lineno}: the sentence is put together there; say a whole one"


def _is_built(node: ast.expr) -> bool:
    if isinstance(node, ast.JoinedStr):
        return True
    if isinstance(node, ast.BinOp):
        return any(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in ast.walk(node))
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "join")


def _flaws_of_source(one: Marked) -> Iterator[str]:
    for sentence in (one.singular, one.plural):
        if sentence is None:
            continue
        try:
            placeholders(sentence)
        except BrokenSentence as broken:
            yield f"{one.places[0]}: {broken}"
        if not tags_close(sentence):
            yield f"{one.places[0]}: the HTML tags of {sentence!r} do not close"


def read_catalogue(path: Path) -> Catalog:
    """The catalogue in a file as it stands; raises PoFileError, ValueError or UnknownLocaleError."""
    return read_po(BytesIO(path.read_bytes()), locale=Locale.parse(path.parts[-3]), abort_invalid=True)


def complaints_of(path: Path, source: dict[str, Marked]) -> list[str]:
    """What is amiss in one language, one readable line each."""
    language = path.parts[-3]
    found = []
    try:
        found += [f"{language}: {complaint}" for complaint in _flaws_of_file(path.read_text("utf-8"), language)]
        catalogue = read_catalogue(path)
    except (PoFileError, ValueError, UnknownLocaleError) as error:
        return [*found, f"{language}: the file cannot be read: {error}"]
    there = {_singular(message): message for message in catalogue if message.id}
    for singular, one in source.items():
        message = there.get(singular)
        if message is None:
            if language != SOURCE_LANGUAGE:
                found.append(f"{language}: misses {singular!r} ({one.places[0]})")
            continue
        found += [f"{language}: {complaint}" for complaint in _flaws(message, one, catalogue)]
    found += [f"{language}: {singular!r} is no longer said anywhere" for singular in there if singular not in source]
    found += [f"{language}: {_singular(message)!r} is kept as obsolete" for message in catalogue.obsolete.values()]
    return found


def _flaws_of_file(text: str, language: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if not _LINE.fullmatch(line):  # Babel is kinder to open quotes than the sentence deserves.
            yield f"line {number} cannot be read: {line}"
    declared = _NPLURALS.search(text)
    wanted = get_plural(Locale.parse(language))
    if declared is None or int(declared[1]) != wanted.num_plurals:
        yield f"the header must say Plural-Forms: {wanted}"


def _singular(message: Message) -> str:
    return message.id[0] if isinstance(message.id, (tuple, list)) else message.id


def _forms(message: Message) -> list[str]:
    string = message.string
    return [form or "" for form in string] if isinstance(string, (tuple, list)) else [string or ""]


def _flaws(message: Message, one: Marked, catalogue: Catalog) -> Iterator[str]:
    where = f"{one.singular!r} ({one.places[0]})"
    if message.fuzzy:
        yield f"{where} is fuzzy"
    forms = _forms(message)
    if one.plural is None:
        if message.pluralizable:
            yield f"{where} has plural forms, but is said without a number"
            return
    elif not message.pluralizable or message.id[1] != one.plural:
        yield f"{where} lacks its plural {one.plural!r}"
        return
    elif len(forms) != catalogue.num_plurals:
        yield f"{where} has {len(forms)} plural forms instead of {catalogue.num_plurals}"
        return
    for index, form in enumerate(forms):
        which = f"{where}, form {index}" if one.plural is not None else where
        if not form:
            yield f"{which} is empty"
            continue
        yield from (f"{which}: {flaw}" for flaw in _form_flaws(form, one, for_one_alone=_for_one_alone(catalogue, index)))


def _for_one_alone(catalogue: Catalog, form: int) -> bool:
    """Whether a plural form is used for the number one and no other, so that it need not repeat the number."""
    rule = c2py(catalogue.plural_expr)
    return [n for n in range(200) if rule(n) == form] == [1]


def _form_flaws(form: str, one: Marked, *, for_one_alone: bool) -> Iterator[str]:
    source = one.singular if one.plural is None else one.plural
    try:
        wanted, there = placeholders(source), placeholders(form)
        single = placeholders(one.singular)
    except BrokenSentence as broken:
        yield str(broken)
        return
    if there != wanted and not (for_one_alone and one.plural is not None and there in (single, wanted - {"n"})):
        yield f"has {_listed(map(_braced, there), 'no placeholder')} instead of {_listed(map(_braced, wanted), 'none')}"
    if tags(form) != tags(source):
        yield f"has {_listed(tags(form).elements(), 'no tags')} instead of {_listed(tags(source).elements(), 'no tags')}"
    elif not tags_close(form):
        yield "the HTML tags do not close"


def _braced(name: str) -> str:
    return "{" + name + "}"


def _listed(things: Iterable[str], none: str) -> str:
    return " ".join(sorted(things)) or none


def updated(path: Path, source: dict[str, Marked]) -> bytes:
    """The text of a catalogue with every sentence of the source: translations kept, new ones empty, vanished ones gone."""
    language = path.parts[-3]
    locale = Locale.parse(language)
    before = read_catalogue(path)
    after = Catalog(locale=locale)
    for one in source.values():
        old = before.get(one.singular)
        if old is None and language == SOURCE_LANGUAGE:
            continue
        string: str | list[str] | tuple[str, ...] = "" if one.plural is None else ("",) * after.num_plurals
        if old is not None and old.string is not None and old.id in (one.id, list(one.id)):
            string = old.string
        flags = {"fuzzy"} if old is not None and old.fuzzy else set()
        after.add(one.id, string, flags=flags, auto_comments=one.notes, user_comments=old.user_comments if old is not None else ())
    text = BytesIO()
    write_po(text, after, width=0, no_location=True, omit_header=True, sort_output=True, ignore_obsolete=True)
    return _header(locale, language).encode() + text.getvalue().rstrip(b"\n") + b"\n"


def _header(locale: Locale, language: str) -> str:
    # Without dates and names, so that only a changed sentence changes the file.
    lines = (
        f"Language: {language}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        f"Plural-Forms: {get_plural(locale)}",
    )
    return f"# {locale.get_display_name('en')}\n" + 'msgid ""\nmsgstr ""\n' + "".join(f'"{line}\\n"\n' for line in lines) + "\n"


def main(arguments: Sequence[str] | None = None, root: Path = ROOT, folder: Path = HERE) -> int:
    """Check, or update; the exit status is 1 when something is amiss."""
    parser = argparse.ArgumentParser(prog="python -m locales.check", description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--update", action="store_true", help="add new sentences to the catalogues and drop vanished ones")
    update: bool = parser.parse_args(arguments).update
    source, complaints = marked(root)
    for path in sorted(folder.glob(f"*/{CATALOGUE}")):
        if update:
            try:
                path.write_bytes(updated(path, source))
            except (PoFileError, ValueError, UnknownLocaleError) as error:
                complaints.append(f"{path.parts[-3]}: the file cannot be read: {error}")
                continue
        else:
            complaints += complaints_of(path, source)
    out = sys.stderr if complaints else sys.stdout
    for complaint in complaints:
        out.write(complaint + "\n")
    out.write(f"{len(source)} sentences, {len(complaints)} complaints.\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
