"""The database: one Shop with two verbs, the same on SQLite and PostgreSQL."""

from core.database.base import Base, BigInt, Id, Instant, instant, micros
from core.database.keys import DataKey, KeyFile, KeyProvider, Keyring, KeysMissing, normalised
from core.database.lock import WriterBusy, WriterLock
from core.database.shop import Shop
from core.database.sqlite import read_only_url
from core.database.statements import among, insert_new, listed
from core.database.tools import Tools, keys, now, tools, utc_now
from core.database.verbs import ALONE, Alone, Gathered, Read, Write, read, write
from core.database.wrapping import Wrapped, wrap_anew

__all__ = [
    "ALONE",
    "Alone",
    "Base",
    "BigInt",
    "DataKey",
    "Gathered",
    "Id",
    "Instant",
    "KeyFile",
    "KeyProvider",
    "Keyring",
    "KeysMissing",
    "Read",
    "Shop",
    "Tools",
    "Wrapped",
    "Write",
    "WriterBusy",
    "WriterLock",
    "among",
    "insert_new",
    "instant",
    "keys",
    "listed",
    "micros",
    "normalised",
    "now",
    "read",
    "read_only_url",
    "tools",
    "utc_now",
    "wrap_anew",
    "write",
]
