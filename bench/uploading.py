"""A large file of codes by a one-time link: codes a second and memory, beside the same codes brought in without a door and a reader."""

from __future__ import annotations

import asyncio
import http.client
import json
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.base import BaseSession
from aiogram.methods import EditMessageText, SendMessage, TelegramMethod
from aiogram.types import Chat, Message
from sqlalchemy import make_url

from bench.figures import Figure
from bench.scene import Scene, postgres_server, run_sql, scene
from bot.serving import Serving
from bot.uploads import Uploads
from core import inventory, onboarding, storefronts, supply
from core.supply import SourceClass, Standing
from handlers.importing import imports_finished
from web.app import make_app

LIN = 1  # the first of the scene's buyers brings codes, too
DIRECT_IS = "the same codes by inventory.bring_in, in the same process right after"
MEMORY_IS = "what the idle process holds before, in MB"


class Silent(BaseSession):
    """A Telegram that says yes to everything and keeps nothing."""

    async def make_request(self, bot: Bot, method: TelegramMethod[Any], timeout: int | None = None) -> Any:  # noqa: ASYNC109
        if isinstance(method, SendMessage | EditMessageText):
            chat = Chat(id=int(method.chat_id or 0), type="private")
            return Message(message_id=1, date=datetime.now(UTC), chat=chat, text=method.text).as_(bot)
        return True

    async def stream_content(self, *_: Any, **__: Any) -> AsyncGenerator[bytes, None]:
        yield b""

    async def close(self) -> None:
        return None


def held_mb() -> float:
    """What this process holds of its own. Pages of the database file that it looks at are the system's, which takes them back."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("Linux says it")


class Watch:
    """The most that this process ever held, looked at twenty times a second."""

    def __init__(self) -> None:
        self.before = self.most = held_mb()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._over.wait(0.05):
            self.most = max(self.most, held_mb())

    def end(self) -> float:
        """Stop looking; how much more than before it was."""
        self._over.set()
        self._thread.join()
        return self.most - self.before


def write_list(path: Path, count: int) -> None:
    """A list as a supplier has it: no two codes alike, in no order."""
    with path.open("w", encoding="ascii") as file:
        for number in range(count):
            file.write(f"{secrets.token_hex(8)}-{number:07d}\n".upper())


def send(port: int, path: str, file: Path) -> int:
    """Send a file to the door as a browser's script does; the status of the answer."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"x-file-name": file.name, "accept": "application/json", "content-type": "application/octet-stream"}
    with file.open("rb") as content:
        line.request("POST", path, body=content, headers={**headers, "content-length": str(file.stat().st_size)})
    status = line.getresponse().status
    line.close()
    return status


async def upload(shown: Scene, file: Path, count: int) -> tuple[float, float, float]:
    """Seconds from the first byte to the receipt, MB held before, and MB held above that."""
    storefront = await shown.shop.read(storefronts.by_id, shown.storefront_id)
    party = await shown.shop.write(supply.new_supplier, name="Lin", standing=Standing.AUTHORISED, telegram_id=LIN)
    paper = await shown.shop.write(
        onboarding.add_document,
        supplier_id=party.id,
        storefront_id=storefront.id,
        kind=onboarding.PaperKind.AUTHORISATION,
        scope="all",
        by="bench",
    )
    facts: dict[str, Any] = {"cost_minor": 8000, "cost_currency": "CNY", "source_class": SourceClass.AUTHORISED, "by": "bench"}
    offer = await shown.shop.write(supply.new_offer, supplier_id=party.id, sku_id=shown.terms[0]["sku_id"], document_id=paper, **facts)
    word, _ = await shown.shop.write(
        supply.make_upload_link, offer_id=offer.id, telegram_id=LIN, customer_id=shown.buyers[0], by=f"telegram:{LIN}"
    )
    bot = Bot("42:AAnowhere", session=Silent(), default=DefaultBotProperties(parse_mode="HTML"))
    uploads = Uploads(shown.shop, storefront, bot)
    serving = Serving(make_app(shown.shop, uploads=lambda: uploads), "127.0.0.1", 0)
    await serving.open()
    watch = Watch()
    begin = time.perf_counter()
    status = await asyncio.to_thread(send, serving.port, f"/upload/{word}", file)
    assert status == 202, status
    await imports_finished()
    took = time.perf_counter() - begin
    above = watch.end()
    course = uploads.course(word)
    assert course is not None and course.good, course
    left = await shown.shop.read(inventory.on_shelf, [offer.id])
    assert left[offer.id] == count, left
    await serving.close()
    return took, watch.before, above


async def direct(shown: Scene, count: int) -> float:
    """As many other codes without a door and without reading a file; seconds."""
    begin = time.perf_counter()
    receipt = await inventory.bring_in(
        shown.shop,
        offer_id=shown.offers[0],
        sku_id=shown.terms[0]["sku_id"],
        source_name="bench",
        by="bench",
        lines=((row, inventory.Secret(None, f"{secrets.token_hex(8)}-{row:07d}".upper())) for row in range(1, count + 1)),
    )
    assert (receipt.accepted, receipt.on_sale) == (count, True)
    return time.perf_counter() - begin


async def one(url: str, folder: Path, count: int) -> dict[str, float]:
    """An upload and its baseline, in this process."""
    file = folder / "codes.txt"
    write_list(file, count)
    async with scene(url, codes=0) as shown:
        took, before, above = await upload(shown, file, count)
        return {"took": took, "before": before, "above": above, "direct": await direct(shown, count)}


async def apart(url: str, count: int) -> dict[str, float]:
    """The same in a process of its own, whose memory tells of nothing else."""
    with tempfile.TemporaryDirectory(prefix="shop-bench-") as folder:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.uploading", url.replace("{folder}", folder), folder, str(count), stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, process.returncode
        found: dict[str, float] = json.loads(said)
        return found


async def measure(runs: int, *, lines: int) -> list[Figure]:
    """Both databases: codes a second, and megabytes above the idle process."""
    figures = []
    async with AsyncExitStack() as stack:
        server = make_url(stack.enter_context(postgres_server()))
        for name in ("sqlite", "postgres"):
            speed = Figure(f"upload-{name}", "codes/s", DIRECT_IS, target=0.7)
            memory = Figure(f"upload-{name}-memory", "MB above idle", MEMORY_IS, higher=False)
            for run in range(runs):
                url = "sqlite:///{folder}/shop.db"
                if name == "postgres":
                    await run_sql(server.render_as_string(hide_password=False), f"CREATE DATABASE upload_{run}")
                    url = server.set(database=f"upload_{run}").render_as_string(hide_password=False)
                found = await apart(url, lines)
                speed.add(lines / found["took"], lines / found["direct"])
                memory.add(found["above"], found["before"])
            figures += [speed, memory]
    return figures


if __name__ == "__main__":
    print(json.dumps(asyncio.run(one(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))))
