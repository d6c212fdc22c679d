"""What is refused about resellers' own bots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.errors import N_, Refusal


@dataclass(eq=False)
class NotAToken(Refusal):
    says: ClassVar[str] = N_("This is no bot's token. @BotFather gives one: it looks like 123456789:AAE…, digits, a colon and letters.")


@dataclass(eq=False)
class TokenRefused(Refusal):
    says: ClassVar[str] = N_("Telegram does not know this token. Please copy it once more from @BotFather.")


@dataclass(eq=False)
class TelegramSilent(Refusal):
    says: ClassVar[str] = N_("Telegram did not answer just now. Please send the token once more in a minute.")


@dataclass(eq=False)
class BotTaken(Refusal):
    says: ClassVar[str] = N_("@{username} is a shop's bot already. Please make a new one with @BotFather and send its token.")

    username: str


@dataclass(eq=False)
class AnotherBot(Refusal):
    """A new token for a storefront is of its own bot: its customers are there."""

    says: ClassVar[str] = N_(
        "That is the token of @{username}. Your customers are with @{expected}: please send the new token of that bot."
    )

    username: str
    expected: str


@dataclass(eq=False)
class TooManyBrands(Refusal):
    says: ClassVar[str] = N_("You can have {most} bots of your own at most. Please close one first.")

    most: int


@dataclass(eq=False)
class OnlyResellers(Refusal):
    says: ClassVar[str] = N_("Bots of their own are for resellers. /reseller tells how to become one.")


@dataclass(eq=False)
class StoppedByShop(Refusal):
    says: ClassVar[str] = N_("The shop has stopped this bot, so nothing is written to its customers. Please ask the shop.")


@dataclass(eq=False)
class NotFinished(Refusal):
    """Who has paid there can still be served by this bot only."""

    says: ClassVar[str] = N_(
        "Its customers still wait for something: {count}. Please pause it, and close it when their orders are paid, delivered and decided."
    )

    count: int


@dataclass(eq=False)
class NotAMarkup(Refusal):
    says: ClassVar[str] = N_("I do not understand this. Please type a percentage such as 12.5%, or an amount, or both: 10% + 0.50")


@dataclass(eq=False)
class NotAName(Refusal):
    says: ClassVar[str] = N_("A name has 1 to {most} characters. Please type another one.")

    most: int


@dataclass(eq=False)
class TooManyAdmins(Refusal):
    says: ClassVar[str] = N_("A bot can have {most} people in charge at most. Please take one away first.")

    most: int


@dataclass(eq=False)
class NotACustomerYet(Refusal):
    says: ClassVar[str] = N_("I do not know them yet: they have to open your bot and press START first. Then send their @username again.")


@dataclass(eq=False)
class SeveralNamed(Refusal):
    """Nobody is let in by a name that was another's."""

    says: ClassVar[str] = N_("Several of your customers have had that @username. Please send the number of their Telegram account instead.")


@dataclass(eq=False)
class NothingToTake(Refusal):
    says: ClassVar[str] = N_("There is no margin to take yet: each one is held for {days} days after its sale.")

    days: int


@dataclass(eq=False)
class MoneyThere(Refusal):
    """A closed bot would keep its customers from what they have paid in."""

    says: ClassVar[str] = N_(
        "Your customers still have {amount} on their balances there. Please pause the bot instead, until it is spent or the shop has "
        "given it back."
    )

    amount_minor: int
    currency: str


@dataclass(eq=False)
class TooLarge(Refusal):
    says: ClassVar[str] = N_("This picture is too large. Please send one of at most {kib} KiB, as a photo.")

    kib: int
