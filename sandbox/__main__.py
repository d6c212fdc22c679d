"""`python -m sandbox`: the local Telegram as a program of its own, until Ctrl-C."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from sandbox import BotSpec, Sandbox


def wishes() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A local Telegram: Bot API and a chat page on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=8081, help="where to listen (0 takes any free port)")
    parser.add_argument("--token", default="7000000001:AAsandbox-card-shop-bot-000000000", help="the bot's token")
    parser.add_argument("--username", default="card_shop_bot", help="the bot's username")
    parser.add_argument("--name", default="Card Shop", help="the bot's name")
    parser.add_argument("--state", type=Path, default=None, help="file in which everything is kept; without it nothing is")
    return parser.parse_args()


async def run(wished: argparse.Namespace) -> None:
    sandbox = Sandbox(wished.state, [BotSpec(wished.token, wished.username, wished.name)])
    await sandbox.start(wished.port)
    sys.stdout.write(f"The sandbox Telegram is at {sandbox.url}\n")
    sys.stdout.flush()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    try:
        await ended.wait()
    finally:
        await sandbox.stop()


if __name__ == "__main__":
    asyncio.run(run(wishes()))
