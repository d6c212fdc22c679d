"""The sandbox as one object: start it, point bots and browsers at its address, stop it."""

from collections.abc import Iterable
from pathlib import Path

from aiohttp import web

import sandbox.methods  # noqa: F401  # Importing registers the methods.
from sandbox import rooms
from sandbox.bot_door import BotDoor
from sandbox.errors import ConnectionCut
from sandbox.phone_door import Crash, PhoneDoor, refusals
from sandbox.state import DEFAULT_PHONES, BotSpec, PhoneSpec
from sandbox.webhooks import Couriers
from sandbox.world import Patience, World

HOST = "127.0.0.1"
# A bot may upload 50 MB; the form around the file needs a little more.
BODY_BYTES = 64 * 1024 * 1024


class Sandbox:
    """A local Telegram on 127.0.0.1.

    With a state file everything but faults and open queries outlives a restart; without one nothing does. `on_crash` is called by
    `POST /faults/crash`; its answer (or True when it gives none) says whether something was crashed.
    """

    def __init__(
        self,
        state_file: Path | None = None,
        bots: Iterable[BotSpec] = (),
        phones: Iterable[PhoneSpec] = DEFAULT_PHONES,
        on_crash: Crash | None = None,
        patience: Patience = Patience(),
    ) -> None:
        self._state_file = state_file
        self._bots = list(bots)
        self._phones = list(phones)
        self._on_crash = on_crash
        self._patience = patience
        self._world: World | None = None
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def world(self) -> World:
        """What the sandbox knows; only while it runs."""
        assert self._world is not None, "the sandbox is not started"
        return self._world

    @property
    def url(self) -> str:
        """The address of the page, and the base of the Bot API."""
        assert self._port, "the sandbox is not started"
        return f"http://{HOST}:{self._port}"

    async def start(self, port: int = 0) -> None:
        """Listens on the port (0 takes any free one); raises OSError when it is taken."""
        self._world = world = World(self._state_file, self._patience)
        world.couriers = Couriers(world)
        for phone in self._phones:
            world.add_phone(phone)
        for bot in self._bots:
            world.add_bot(bot)
        app = web.Application(client_max_size=BODY_BYTES, middlewares=[refusals])
        app.add_routes(BotDoor(world).routes())
        app.add_routes(PhoneDoor(world, self._on_crash).routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, port)
        try:
            await site.start()
        except OSError:
            await self.stop()
            raise
        self._port = self._runner.addresses[0][1]
        for known in world.bots.values():
            await world.couriers.follow(known)

    def add_bot(self, spec: BotSpec) -> None:
        """Makes one more bot known while the sandbox runs."""
        self.world.add_bot(spec)

    def add_phone(self, spec: PhoneSpec) -> None:
        """Gives one more person a phone while the sandbox runs."""
        self.world.add_phone(spec)

    def open_group(self, owner: str, title: str, bot: str, *others: str) -> int:
        """A group of this phone with a bot as an admin and other phones in it, made once. Returns its number."""
        world = self.world
        phone, admin = world.phone(owner), world.bot_named(bot)
        room = next((one for one in world.rooms.values() if (one.owner, one.title) == (owner, title)), None)
        if room is None:
            room = rooms.open_room(world, phone, title, "supergroup")
            rooms.make_admin(world, phone, room, admin, ["can_delete_messages", "can_restrict_members", "can_invite_users"])
            for other in others:
                rooms.add(world, phone, room, world.phone(other))
        return room.id

    async def stop(self) -> None:
        """Stops listening, ends waiting polls and streams, writes the state down."""
        if self._world is None:
            return
        self._world.events.close()
        for mailbox in self._world.mailboxes.values():
            mailbox.interrupt(ConnectionCut())
        await self._world.couriers.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        await self._world.store.close()
        self._world = self._runner = None
        self._port = 0
