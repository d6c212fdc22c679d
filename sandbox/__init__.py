"""A local Telegram for the demo and for tests: the Bot API over HTTP, phones for several people, and one web page to use them."""

from sandbox.server import Sandbox
from sandbox.state import DEFAULT_PHONES, BotSpec, PhoneSpec
from sandbox.world import Patience

__all__ = ["DEFAULT_PHONES", "BotSpec", "Patience", "PhoneSpec", "Sandbox"]
