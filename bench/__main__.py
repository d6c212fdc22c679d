"""`python -m bench [NAME …]`: all benchmarks without a name; figures on standard output, progress on standard error."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable

from bench import api, chat, checkout, fleet, importing, sale_postgres, sale_sqlite, sources, statement, uploading
from bench.figures import Figure


def main() -> None:
    """Measure what was named and print a JSON line for each figure."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", help="postgres, sqlite, sources, chat, checkout, import, upload, statement, api, fleet; all without a name"
    )
    parser.add_argument("--seconds", type=int, default=6, help="how long each run lasts")
    parser.add_argument("--runs", type=int, default=3, help="how many runs the medians are taken over")
    parser.add_argument("--codes", type=int, default=1_000_000, help="codes in the grown database")
    parser.add_argument("--past", type=int, default=1_000_000, help="past orders in the grown database")
    parser.add_argument("--lines", type=int, default=1_000_000, help="codes in the uploaded file")
    args = parser.parse_args()
    known: dict[str, Callable[[], Awaitable[list[Figure]]]] = {
        "postgres": lambda: sale_postgres.measure(args.seconds, args.runs, codes=args.codes, past=args.past),
        "sqlite": lambda: sale_sqlite.measure(args.seconds, args.runs, codes=args.codes, past=args.past),
        "sources": lambda: sources.measure(args.seconds, args.runs),
        "chat": lambda: chat.measure(args.seconds, args.runs),
        "checkout": lambda: checkout.measure(args.runs),
        "import": lambda: importing.measure(args.runs),
        "upload": lambda: uploading.measure(args.runs, lines=args.lines),
        "statement": lambda: statement.measure(args.runs),
        "api": lambda: api.measure(args.seconds, args.runs),
        "fleet": lambda: fleet.measure(args.runs),
    }
    if unknown := set(args.names) - set(known):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    for name in args.names or known:
        for figure in asyncio.run(_measured(known[name])):
            sys.stdout.write(figure.line() + "\n")
            sys.stdout.flush()


async def _measured(measure: Callable[[], Awaitable[list[Figure]]]) -> list[Figure]:
    return await measure()


if __name__ == "__main__":
    main()
