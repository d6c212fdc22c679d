"""/members: who works for a reseller, and what each may do, given by the owner with buttons."""

from __future__ import annotations

from dataclasses import replace

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from core import people, resellers
from core.resellers import May, NotAMember, Role
from handlers import commands
from handlers.pieces import Row, bold, button, keyboard, lines, paragraphs
from handlers.reseller.desk import Desk, MembersPress, RolePress, desk_router, redraw
from locales import Safe, Speech


def _roles(may: May, speech: Speech) -> str:
    said = [speech.label(word) for held, word in ((may.owns, "owner"), (may.buys, "buys"), (may.sees, "sees the balance")) if held]
    return ", ".join(said) or speech.label("no role")


async def everybody(desk: Desk) -> tuple[Safe, list[Row]]:
    """Who has a role; the owner opens each by a button."""
    speech = desk.speech
    members = await desk.shop.read(resellers.members_of_reseller, desk.reseller.id)
    groups = await desk.shop.read(resellers.groups_of, desk.reseller.id)
    text = paragraphs(
        speech.say("👥 <b>The people of {name}</b>", name=desk.reseller.name),
        lines(*(speech.say("• {name}: {roles}", name=one.name[:60], roles=_roles(one.may, speech)) for one in members))
        if members
        else speech.say("Nobody but the reseller."),
        speech.say("Groups: {list}", list=", ".join(group.title[:40] for group in groups[:10])) if groups else None,
        speech.say("To give somebody a role, let them type /balance in a group that you have bound with /bind: a button comes up."),
    )
    rows: list[Row] = []
    if desk.may.owns:
        rows = [[button(f"🔑 {one.name[:40]}", RolePress(who=one.telegram_id))] for one in members]
    return text, rows


async def members_asked(message: Message, desk: Desk) -> None:
    desk.need(Role.OWNER)
    text, rows = await everybody(desk)
    await message.answer(text, reply_markup=keyboard(rows) if rows else None)


async def members_pressed(press: CallbackQuery, desk: Desk) -> None:
    desk.need(Role.OWNER)
    await redraw(press, *await everybody(desk))


async def role_pressed(press: CallbackQuery, callback_data: RolePress, desk: Desk) -> None:
    """Somebody's roles, and turning them on and off; by an owner only."""
    desk.need(Role.OWNER)
    speech = desk.speech
    known = await desk.shop.read(people.find, storefront_id=desk.storefront.id, telegram_id=callback_data.who)
    if known is None or known.id == desk.reseller.id:
        raise NotAMember
    members = await desk.shop.read(resellers.members_of_reseller, desk.reseller.id)
    may = next((one.may for one in members if one.telegram_id == callback_data.who), May())
    if callback_data.act:
        turned = {"o": replace(may, owns=not may.owns), "b": replace(may, buys=not may.buys), "s": replace(may, sees=not may.sees)}
        may = turned[callback_data.act]
        await desk.shop.write(resellers.set_roles, reseller_id=desk.reseller.id, telegram_id=callback_data.who, may=may, by=desk.who)
        if await desk.shop.read(people.has_opened_chat, known.id):
            spoken = Speech(known.language) if known.language else speech
            is_staff = await desk.shop.read(people.is_staff, storefront_id=desk.storefront.id, telegram_id=known.telegram_id)
            await commands.set_commands_of_chat(
                desk.bot, known.telegram_id, spoken, staff=is_staff, reseller=may.anything or known.wholesale
            )
    text = paragraphs(
        speech.say("🔑 {name}: {roles}", name=bold(known.name[:60]), roles=_roles(may, speech)),
        speech.say(
            "“Buys” spends the reseller's balance and gets the codes; “sees” reads balance, orders and statements; an owner may all."
        ),
    )

    def turn(held: bool, label: str, act: str) -> Row:
        return [button(("✅ " if held else "▫️ ") + label, RolePress(who=callback_data.who, act=act))]

    rows = [
        turn(may.buys, speech.label("Buys"), "b"),
        turn(may.sees, speech.label("Sees the balance"), "s"),
        turn(may.owns, speech.label("Owner"), "o"),
        [button(speech.label("⬅️ Back"), MembersPress())],
    ]
    await redraw(press, text, rows)


def router() -> Router:
    """/members and its buttons."""
    made = desk_router("reseller-members")
    made.message.register(members_asked, Command("members"))
    made.callback_query.register(members_pressed, MembersPress.filter())
    made.callback_query.register(role_pressed, RolePress.filter())
    return made
