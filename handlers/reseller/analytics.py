"""/analytics: what a reseller bought in the last days, as a picture."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from core import insight, packages
from core.packages import Service
from core.resellers import Role
from handlers import courses
from handlers.pieces import button
from handlers.reseller.desk import CoursePress, Desk, desk_router
from papers.studio import Studio


async def analytics_asked(message: Message, command: CommandObject, desk: Desk, studio: Studio | None = None) -> None:
    """The last thirty days, or as many as were typed."""
    desk.need(Role.SEE)
    typed = (command.args or "").strip()
    if typed and not (typed.isascii() and typed.isdigit() and len(typed) <= 3 and 1 <= int(typed) <= max(insight.DAYS)):
        most = desk.speech.number(max(insight.DAYS))
        await message.answer(desk.speech.say("For example: <code>/analytics 30</code> draws thirty days. {most} is the most.", most=most))
        return
    await _drawn(message, desk, studio, int(typed) if typed else 30)


async def _drawn(message: Message, desk: Desk, studio: Studio | None, days: int) -> None:
    await desk.shop.read(packages.need, desk.reseller.id, Service.ANALYTICS)
    speech, title = desk.speech, desk.reseller.name
    course = await desk.shop.read(insight.course_of_buyer, desk.reseller.id, days=days, timezone=speech.timezone)
    row = courses.days_row(days, speech, insight.DAYS, lambda label, one: button(label, CoursePress(days=one)))
    drawn = courses.chart(course, speech, title, of_storefront=False)
    await courses.send(message, courses.spent(course, speech, title), drawn, studio, speech, [row])


async def days_pressed(press: CallbackQuery, callback_data: CoursePress, desk: Desk, studio: Studio | None = None) -> None:
    """Other days, as another picture."""
    desk.need(Role.SEE)
    if isinstance(press.message, Message):
        await _drawn(press.message, desk, studio, callback_data.days)


def router() -> Router:
    """/analytics and its days."""
    made = desk_router("reseller-analytics")
    made.message.register(analytics_asked, Command("analytics"))
    made.callback_query.register(days_pressed, CoursePress.filter())
    return made
