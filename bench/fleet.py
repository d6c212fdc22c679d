"""Five hundred resellers' storefronts in one process: until all take updates, and what each costs of memory."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from aiohttp import web

from bench.figures import Figure

STOREFRONTS = 500
BASELINE_IS = "as many aiogram bots with the same conversations, a dispatcher and a session for each"
TARGET = 0.5  # at most so much of the baseline's
WAIT_SECONDS = 300


async def measure(runs: int, *, count: int = STOREFRONTS) -> list[Figure]:
    """Each run: our process, then the baseline's, against the same bare Bot API that answers at once and lets polls hang."""
    start = Figure(f"start of {count} storefronts", "s", BASELINE_IS, TARGET, higher=False)
    memory = Figure("memory per storefront", "KiB", BASELINE_IS, TARGET, higher=False)
    asked: set[str] = set()
    api = await _bare_api(asked)
    with tempfile.TemporaryDirectory() as folder:
        database, keys = f"sqlite:///{folder}/shop.db", str(Path(folder) / "shop.keys")
        await _bots("seed", database, keys, str(count))
        for _ in range(runs):
            asked.clear()
            ours = json.loads(await _bots("shop", api, database, keys, str(count)))
            asked.clear()
            plain = json.loads(await _bots("plain", api, str(count)))
            start.add(ours["seconds"], plain["seconds"])
            memory.add(ours["kib"] / count, plain["kib"] / count)
    return [start, memory]


async def _bots(*arguments: str) -> bytes:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.fleet_bots", *arguments, stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(process.communicate(), WAIT_SECONDS)
    assert process.returncode == 0, f"{arguments[0]} ended with {process.returncode}"
    return out.splitlines()[-1] if out else b""


async def _bare_api(asked: set[str]) -> str:
    """The Bot API as far as bots ask for updates; `asked` holds the tokens that have. Its address."""

    async def call(request: web.Request) -> web.Response:
        token, method = request.match_info["token"], request.match_info["method"]
        if method == "getUpdates":
            asked.add(token)
            await asyncio.sleep(WAIT_SECONDS)
            return web.json_response({"ok": True, "result": []})
        if method == "getMe":
            number = int(token.partition(":")[0])
            me = {"id": number, "is_bot": True, "first_name": "Bot", "username": f"bot_{number}"}
            return web.json_response({"ok": True, "result": me})
        return web.json_response({"ok": True, "result": True})

    async def count(_: web.Request) -> web.Response:
        return web.Response(text=str(len(asked)))

    app = web.Application()
    app.router.add_route("*", "/bot{token}/{method}", call)
    app.router.add_get("/count", count)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"
