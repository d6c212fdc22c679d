"""The reference as a page: drawn from the OpenAPI document, without a script and without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from core.api import Band

_STYLE = """
:root{color-scheme:light dark;--line:#c9d3da;--soft:#5b6b78;--card:#fff;--paper:#f3f6f8;--main:#1d6fb8}
@media (prefers-color-scheme:dark){:root{--line:#3a4955;--soft:#9fb0bd;--card:#18232b;--paper:#10181e;--main:#63b1f0}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);font:16px/1.5 system-ui,sans-serif}
main{max-width:62rem;margin:0 auto;padding:1.5rem 1rem}nav a{display:inline-block;margin:.15rem .8rem .15rem 0}
a{color:var(--main)}section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1rem 1.2rem;margin:1rem 0}
h2{margin-top:2rem}h3{margin:0;overflow-wrap:anywhere}code,.verb{font-family:ui-monospace,monospace}.verb{color:var(--main);font-weight:700}
table{border-collapse:collapse;width:100%;margin:.6rem 0}th,td{text-align:left;vertical-align:top;padding:.25rem .6rem;
border-top:1px solid var(--line);overflow-wrap:anywhere}p{margin:.4rem 0}.soft{color:var(--soft)}.wide{overflow-x:auto}
"""


def drawn(document: Mapping[str, Any], bands: Sequence[Band]) -> str:
    """The whole page."""
    operations = [(verb, path, each) for path, verbs in document["paths"].items() for verb, each in verbs.items()]
    links = "".join(f'<a href="#{_anchor(verb, path)}">{verb.upper()} {escape(path)}</a>' for verb, path, _ in operations)
    parts = "".join(_operation(document, verb, path, each) for verb, path, each in operations)
    signing = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['description'])}</td></tr>"
        for one in document["components"]["securitySchemes"].values()
    )
    title = escape(document["info"]["title"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main><h1>{title}</h1><p>{escape(document['info']['description'])}</p>"
        f'<p>The same for machines: <a href="openapi.json">openapi.json</a> (OpenAPI {escape(document["openapi"])}).</p><nav>{links}</nav>'
        f'<h2 id="signing">Signing</h2><section><table>{signing}</table></section>'
        f'<h2 id="paths">Paths under {escape(document["servers"][0]["url"])}</h2>{parts}'
        f'<h2 id="errors">Errors</h2><section class="wide">{_errors(bands)}</section></main></body></html>'
    )


def _anchor(verb: str, path: str) -> str:
    return escape(f"{verb}{path}".replace("/", "-").replace("{", "").replace("}", ""))


def _operation(document: Mapping[str, Any], verb: str, path: str, each: Mapping[str, Any]) -> str:
    parts = [
        f'<section id="{_anchor(verb, path)}"><h3><span class="verb">{verb.upper()}</span> <code>{escape(path)}</code></h3>',
        f"<p>{escape(each.get('summary', ''))}</p>",
    ]
    if each.get("description"):
        parts.append(f'<p class="soft">{escape(each["description"])}</p>')
    asked = [
        (one["name"], one["schema"], one.get("required", False), one.get("description", "") + f" ({one['in']})")
        for one in each.get("parameters", ())
    ]
    if asked:
        parts.append("<p><b>Parameters</b></p>" + _table(asked))
    body = each.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body:
        parts.append("<p><b>Body</b></p>" + _table(_properties(document, body)))
    for status, answer in each["responses"].items():
        schema = answer.get("content", {}).get("application/json", {}).get("schema")
        if schema and status.isdigit():
            parts.append(f"<p><b>Answer {status}</b></p>" + _table(_properties(document, schema)))
    return "".join(parts) + "</section>"


def _properties(document: Mapping[str, Any], schema: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Mapping[str, Any], bool, str]]:
    schema = _resolved(document, schema)
    found: list[tuple[str, Mapping[str, Any], bool, str]] = []
    for name, one in schema.get("properties", {}).items():
        found.append((prefix + name, one, name in schema.get("required", ()), one.get("description", "")))
        inner = _resolved(document, one.get("items", one))
        if inner.get("properties"):
            found += _properties(document, inner, f"{prefix}{name}{'[]' if 'items' in one else ''}.")
    return found


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    found: Mapping[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _table(rows: Sequence[tuple[str, Mapping[str, Any], bool, str]]) -> str:
    made = "".join(
        f"<tr><td><code>{escape(name)}</code>{'' if needed else ' <span class=soft>optional</span>'}</td>"
        f"<td>{escape(', '.join(_kinds(schema)))}</td><td>{escape(about)}</td></tr>"
        for name, schema, needed, about in rows
    )
    return f'<div class="wide"><table>{made}</table></div>'


def _kinds(schema: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        yield "object"
    for each in schema.get("anyOf", ()):
        yield from _kinds(each)
    if "enum" in schema:
        yield " | ".join(map(str, schema["enum"]))
    elif "const" in schema:
        yield str(schema["const"])
    elif "type" in schema:
        least, most = schema.get("minimum"), schema.get("maximum")
        yield f"{schema['type']}{f' {least}–{most}' if most is not None else ''}"


def _errors(bands: Sequence[Band]) -> str:
    rows = "".join(
        f"<tr><td>{one.code}</td><td><code>{one.name}</code></td><td>{one.status}</td><td>{'yes' if one.retryable else 'no'}</td>"
        f"<td>{'yes' if one.final else 'no'}</td></tr>"
        for one in bands
    )
    return f"<table><tr><th>code</th><th>name</th><th>status</th><th>retryable</th><th>final</th></tr>{rows}</table>"
