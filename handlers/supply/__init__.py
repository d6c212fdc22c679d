"""The suppliers' side, in the chat: behind /supply, for the people who act for a supplier."""

from __future__ import annotations

from aiogram import Router

from handlers.supply import home, stock, uploading

__all__ = ["router"]


def router() -> Router:
    """Everything a supplier can do; lets through what is not for it."""
    made = Router(name="supply")
    made.include_routers(home.router(), stock.router(), uploading.router())
    return made
