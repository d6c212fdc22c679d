"""`shop` as processes that can be killed: `python -m tests.crash.nursery`, one command for each line it is told.

Each is forked from a process that has everything loaded – as the demo does it –, so that twenty starts do not take minutes; from
there on it is `python -m bot` with these words, its settings from the environment. Says `born <pid>` and `ended <status>`. A first
number is how many seconds the shop's clock is ahead of the machine's. With CRASH_ANSWER_SECONDS in the environment, another shop's
answer is waited for so long instead of a quarter of a minute.
"""

from __future__ import annotations

import json
import os
import sys
import threading

from bot.loading import loading


def say(*words: object) -> None:
    """One line in one write: it is whole, or it is not there."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def end_with_the_story() -> None:
    """Nothing is said to a process that lives, so what comes here is the end of whoever would say it."""
    os.read(0, 1)
    os._exit(71)


def put_clocks_forward(seconds: float) -> None:
    """The shop's own clock, in this process: what falls due in hours is due now."""
    from core.database import Shop
    from tests.stage import Clock

    clock = Clock()
    clock.passes(seconds=seconds)
    Shop.open.__func__.__kwdefaults__["clock"] = clock  # type: ignore[attr-defined]  # A class method is a function underneath.


def wait_for_answers(seconds: float) -> None:
    """So long an upstream's answer is waited for in this process."""
    from connectors.suppliers.own_shop import OwnShop

    OwnShop.__init__.__kwdefaults__["seconds"] = seconds  # type: ignore[index]  # It has keyword arguments.


def live(ahead_seconds: float, words: list[str]) -> None:
    """The command, in a process of its own, to its end; what it prints goes where its log goes."""
    from bot.__main__ import main

    status = 70
    try:
        if ahead_seconds:
            put_clocks_forward(ahead_seconds)
        if seconds := os.environ.get("CRASH_ANSWER_SECONDS"):
            wait_for_answers(float(seconds))
        threading.Thread(target=end_with_the_story, name="end-with-the-story", daemon=True).start()
        os.dup2(2, 1)
        main(words)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        os._exit(status)


if __name__ == "__main__":
    with loading():
        import bot.commands.auditing
        import bot.commands.running  # noqa: F401 - the slow part
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            ahead, *words = json.loads(line)
            live(ahead, words)
        say("born", pid)
        _, ended = os.waitpid(pid, 0)
        say("ended", os.waitstatus_to_exitcode(ended))
