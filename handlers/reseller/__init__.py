"""The reseller's side: joining by /reseller, and for those who buy to sell again, their home."""

from __future__ import annotations

from aiogram import Router

from handlers.reseller import api, applying, home

__all__ = ["router"]


def router() -> Router:
    """Everything that is asked of applicants and resellers, in the order in which it is tried."""
    router = Router(name="reseller")
    router.include_router(home.router())
    router.include_router(applying.router())
    router.include_router(api.router())
    return router
