"""The OpenAPI document: what FastAPI knows of the paths, and how requests are signed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

_HEADERS = {
    "Shop-Key": "the key's name",
    "Shop-Timestamp": "Unix seconds, within 60 of the server's clock",
    "Shop-Nonce": "16 to 64 characters of A-Z a-z 0-9 _ -, never used before",
    "Shop-Signature": "lower-case hex of HMAC-SHA256 over time, nonce, method, path with query and the body's SHA-256, one a line",
}


def schema_of(app: FastAPI, prefix: str) -> Callable[[], dict[str, Any]]:
    """Makes the document once, when it is first asked for."""

    def made() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                openapi_version="3.1.0",
                routes=app.routes,
                servers=[{"url": prefix}],
                description="Sell what this shop has. Every request is signed by a key; money is a decimal string.",
            )
            schemes = {
                name.replace("-", ""): {"type": "apiKey", "in": "header", "name": name, "description": about}
                for name, about in _HEADERS.items()
            }
            document.setdefault("components", {})["securitySchemes"] = schemes
            document["security"] = [{name: [] for name in schemes}]
            app.openapi_schema = document
        return app.openapi_schema

    return made
