"""`shop demo`: a local Telegram in this process, and the real bot in another that is started again when it falls."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import signal
import socket
import sys
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bot.demo.names import OWN_BOT
from bot.demo.nursery import Nursery
from bot.demo.tills import SUPPLY_KEY, SUPPLY_SECRET, Tills, free_port
from bot.loading import loading

if TYPE_CHECKING:
    from sandbox import Sandbox

TOKEN = "7000000001:AAsandbox-card-shop-bot-000000000"  # noqa: S105 - known to nobody but the sandbox
USERNAME = "card_shop_bot"
NAME = "卡铺 Card Shop"
ADMIN_TELEGRAM_ID = 5_100_000_005  # the phone called admin; a test holds it against the sandbox's

_READY_SECONDS = 120.0  # A slow machine is waited for this long.
_LOOK_EVERY_SECONDS = 0.03
_STOP_SECONDS = 12.0  # The bot itself drains within ten.
_MOST_FALLS = 5  # in a row, each within a minute of the last
_SETTLED_SECONDS = 60.0


class CannotDemo(Exception):
    """The demo cannot start or go on; the message says why."""


class Demo:
    """The demo in a folder of its own: database, keys, the sandbox's memory and the bot's log."""

    def __init__(self, folder: Path, *, port: int, browser: bool) -> None:
        self._folder = folder.resolve()
        self._port = port
        self._browser = browser
        self._address = ""
        self._callback_port = free_port()
        self._ending = asyncio.Event()
        self._crash_wished = False
        self._bot: int | None = None  # its process, while there is one
        self._asked_at = 0.0
        self._ended: asyncio.Queue[int] = asyncio.Queue()  # how each bot ended

    def run(self, *, reset: bool) -> int:
        """Run until Ctrl-C; raises CannotDemo."""
        with self._alone():
            if reset or not self._ready_mark.exists():
                # What was interrupted while it was set up has sold nothing yet, and begins anew.
                shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True, exist_ok=True)
            for name in [name for name in os.environ if name.startswith("SHOP_")]:
                del os.environ[name]  # The demo is the same whatever a real shop beside it is set to.
            self._try_port()
            with loading():
                from sandbox.rooms import FIRST_ID  # And with it the library that the bot needs too.
            settings = {
                "SHOP_BOT_TOKEN": TOKEN,
                "SHOP_DATABASE": self._database,
                "SHOP_KEYS": str(self._keys),
                "SHOP_ADMINS": str(ADMIN_TELEGRAM_ID),
                "SHOP_ADMIN_GROUP": str(FIRST_ID),
                "SHOP_LISTEN": f"127.0.0.1:{self._callback_port}",
            }
            # The folder is where no .env of a real shop lies; its own says where the gateways are.
            nursery = Nursery.fork(_shop_run, log=self._log, folder=self._folder, settings=settings)
            try:
                asyncio.run(self._show(nursery))
            finally:
                nursery.close()
        return 0

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One demo at a time in a folder; the kernel gives the lock back however this process ends."""
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        with self._folder.with_name(self._folder.name + ".lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise CannotDemo("The demo runs already in this folder: use its page, or stop it with Ctrl-C first.") from None
            yield

    def _try_port(self) -> None:
        """Say that the port is taken before seconds have gone by."""
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", self._port))
            except OSError as trouble:
                raise self._no_port(trouble) from None

    def _no_port(self, trouble: OSError) -> CannotDemo:
        why = os.strerror(trouble.errno or 0).lower()
        return CannotDemo(f"Port {self._port} of 127.0.0.1 cannot be used ({why}): choose another with --port.")

    async def _show(self, nursery: Nursery) -> None:
        from sandbox import BotSpec, Sandbox

        self._catch_signals()
        sandbox = Sandbox(self._folder / "sandbox.db", [BotSpec(TOKEN, USERNAME, NAME), BotSpec(*OWN_BOT)], on_crash=self._crash)
        try:
            await sandbox.start(self._port)
        except OSError as trouble:
            raise self._no_port(trouble) from None
        self._address = sandbox.url
        # The first group there is: its number is in the settings already.
        sandbox.open_group("admin", "员工群 · Staff", USERNAME, "second")
        tills = Tills(self._callback_port)
        await tills.open(self._folder)
        listening = asyncio.create_task(self._listen(await nursery.listen()))
        try:
            # What is written on the page now waits for the bot, as it does at Telegram.
            announce(f"The shop is at {self._address} – its bot is getting ready.")
            if self._browser and _has_screen():
                webbrowser.open(self._address)
            new = await self._set_up(sandbox, tills)
            self._ask(nursery)
            await self._ready(sandbox)
            if not self._ending.is_set():
                self._tell(new=new)
                await self._keep_up(nursery)
        finally:
            # Before its Telegram, so that it can confirm what it has worked off.
            await self._stop_bot()
            listening.cancel()
            await tills.close()
            await sandbox.stop()

    def _catch_signals(self) -> None:
        def asked() -> None:
            if self._ending.is_set():
                self._kill(signal.SIGKILL)
            self._ending.set()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, asked)

    async def _set_up(self, sandbox: Sandbox, tills: Tills) -> bool:
        with loading():
            from pydantic import SecretStr

            from bot.demo.stage import set_up
            from bot.demo.supply import Behind
            from bot.settings import Settings

        def keeps(name: str, body: bytes, kind: str) -> str:
            return sandbox.world.files.keep(USERNAME, name, body, kind).file_id

        new = not self._ready_mark.exists()
        settings = Settings(_env_file=None, database=SecretStr(self._database), keys=self._keys)
        await set_up(settings, Behind(tills.behind, SUPPLY_KEY, SUPPLY_SECRET), keeps, new=new)
        self._ready_mark.touch()
        return new

    def _ask(self, nursery: Nursery) -> None:
        """Ask for a bot that talks to our Telegram."""
        self._asked_at = time.time()
        nursery.ask(self._address)

    async def _listen(self, news: asyncio.StreamReader) -> None:
        """Follow what becomes of the bots."""
        while line := await news.readline():
            what, pid, *status = line.decode().split()
            if what == "born":
                self._bot = int(pid)
                if self._ending.is_set():
                    self._kill(signal.SIGTERM)
            else:
                self._bot = None
                self._ended.put_nowait(int(status[0]))
        self._ended.put_nowait(1)  # The nursery itself has gone, which nobody wished.
        self._ending.set()

    async def _ready(self, sandbox: Sandbox) -> None:
        """Until the bot takes updates; raises CannotDemo when it ends before that."""
        for _ in range(int(_READY_SECONDS / _LOOK_EVERY_SECONDS)):
            # Its last call before it begins to poll.
            if any(call["method"] == "deleteWebhook" and call["at"] >= self._asked_at for call in sandbox.world.calls):
                return
            if not self._ended.empty():
                raise CannotDemo(f"The bot did not start:\n{self._end_of_log()}")
            if self._ending.is_set():
                return
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
        raise CannotDemo(f"The bot did not start within {_READY_SECONDS:.0f} seconds:\n{self._end_of_log()}")

    def _tell(self, *, new: bool) -> None:
        announce("The shop is open. Ctrl-C stops it; started again it goes on where it stopped.")
        if new:
            announce("Two buyers and a reseller have 500.00 each. Every code is made up.")
            announce("On the supplier's phone /supply opens his home; on the admin's phone /admin, Supply: an application waits there.")
        announce(f"What the bot logs is in {_short(self._log)}")

    async def _keep_up(self, nursery: Nursery) -> None:
        """Start the bot again whenever it falls, until the demo ends; raises CannotDemo when it falls again and again."""
        falls = 0
        ending = asyncio.create_task(self._ending.wait())
        try:
            while True:
                fallen = asyncio.create_task(self._ended.get())
                await asyncio.wait([fallen, ending], return_when=asyncio.FIRST_COMPLETED)
                if self._ending.is_set():
                    fallen.cancel()
                    return
                wished, self._crash_wished = self._crash_wished, False
                falls = 0 if wished or time.time() - self._asked_at > _SETTLED_SECONDS else falls + 1
                if falls >= _MOST_FALLS:
                    raise CannotDemo(f"The bot fell {falls} times in a row:\n{self._end_of_log()}")
                announce("The bot was killed and starts again." if wished else f"The bot ended ({fallen.result()}) and starts again.")
                self._ask(nursery)
        finally:
            ending.cancel()

    def _crash(self) -> bool:
        """What the page's crash button does: the hardest end there is. False when there is no bot at the moment."""
        self._crash_wished = self._bot is not None
        return self._kill(signal.SIGKILL)

    def _kill(self, how: signal.Signals) -> bool:
        if self._bot is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(self._bot, how)
        return True

    async def _stop_bot(self) -> None:
        self._ending.set()
        if not self._kill(signal.SIGTERM):
            return
        try:
            await asyncio.wait_for(self._ended.get(), _STOP_SECONDS)
        except TimeoutError:
            self._kill(signal.SIGKILL)
            await self._ended.get()

    @property
    def _database(self) -> str:
        return f"sqlite:///{self._folder}/shop.db"

    @property
    def _ready_mark(self) -> Path:
        return self._folder / "set-up"

    @property
    def _keys(self) -> Path:
        return self._folder / "shop.keys"

    @property
    def _log(self) -> Path:
        return self._folder / "bot.log"

    def _end_of_log(self) -> str:
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])


def _shop_run() -> Callable[[str], None]:
    """Load `shop run`; what is returned runs it with the Bot API at this address."""
    import stripe  # noqa: F401 - slow, and used by every bot of the demo

    import bot.commands.running  # noqa: F401 - the slow part
    from bot.__main__ import main

    def run(address: str) -> None:
        os.environ["SHOP_BOT_API"] = address
        main(["run"])

    return run


def announce(sentence: str) -> None:
    """To the terminal, at once."""
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def _short(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _has_screen() -> bool:
    """Is there a desktop to open a browser on? A terminal browser would take the terminal away."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
