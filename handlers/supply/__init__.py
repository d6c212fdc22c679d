"""The supplier's side: joining by /supply, and for those who act for a supplier, their home, offers, codes and papers."""

from __future__ import annotations

from aiogram import Router

from handlers.supply import applying, home, papers, start, stock, uploading

__all__ = ["router"]


def router() -> Router:
    """Everything that is asked of applicants and suppliers, in the order in which it is tried."""
    made = Router(name="supply")
    made.include_routers(start.router(), home.router(), stock.router(), uploading.router(), applying.router(), papers.router())
    return made
