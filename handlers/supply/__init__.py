"""The supplier's side: joining by /supply, and for those who act for a supplier, their home."""

from __future__ import annotations

from aiogram import Router

from handlers.supply import applying, papers, start

__all__ = ["router"]


def router() -> Router:
    """Everything that is asked of applicants and suppliers, in the order in which it is tried."""
    made = Router(name="supply")
    made.include_routers(start.router(), applying.router(), papers.router())
    return made
