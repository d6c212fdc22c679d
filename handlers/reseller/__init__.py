"""The reseller's side of the chat."""

from __future__ import annotations

from aiogram import Router

from handlers.reseller import api

__all__ = ["router"]


def router() -> Router:
    """Everything that is asked of resellers, in the order in which it is tried."""
    made = Router(name="reseller")
    parts = (api,)
    made.include_routers(*[part.router() for part in parts])
    return made
