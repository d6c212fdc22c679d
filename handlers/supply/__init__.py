"""The supplier's side: joining by /supply, and for those who act for a supplier, their home, offers, codes, earnings and papers."""

from __future__ import annotations

from aiogram import Router

from handlers.supply import another_paper, applying, commitments, earnings, home, papers, start, stock, uploading

__all__ = ["router"]


def router() -> Router:
    """Everything that is asked of applicants and suppliers, in the order in which it is tried."""
    made = Router(name="supply")
    parts = (start, home, stock, uploading, earnings, commitments, applying, papers, another_paper)
    made.include_routers(*[part.router() for part in parts])
    return made
