"""`shop`, also as `python -m bot`: runs a command and turns what stops it into one sentence and an exit status.

0: done. 1: the command's own no (a violation, a refused line). 2: settings, keys or database. 3: another process writes.
"""

from __future__ import annotations

import sys


def main(arguments: list[str] | None = None) -> None:
    """Run `shop` with these arguments (those of the process when None); ends by SystemExit."""
    from bot.commands import app

    try:
        app(arguments)
    except Exception as trouble:
        status = _status(trouble)
        if status is None:
            raise
        sys.stderr.write(f"{trouble}\n")
        raise SystemExit(status) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _status(trouble: Exception) -> int | None:
    """The exit status of what was foreseen; None for a mistake of ours, which is shown as it is."""
    from bot.commands.opening import Unusable
    from bot.migrations import CannotMigrate
    from bot.settings import SettingsWrong
    from core.database import KeysMissing, WriterBusy

    if isinstance(trouble, WriterBusy):
        return 3
    if isinstance(trouble, SettingsWrong | KeysMissing | Unusable | CannotMigrate):
        return 2
    # These have their sentence too; they are named so that their modules are loaded only when they ran.
    return {"SeedWrong": 1, "NotImported": 1, "CannotDemo": 1, "WrongToken": 2}.get(type(trouble).__name__)


if __name__ == "__main__":
    main()
