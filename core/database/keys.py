"""Keys at rest: key-encryption keys that wrap one data key per batch, and the key of fingerprints, in one file of mode 0600."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import unicodedata
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12
_FORMAT = 1
_ASCII_SIGNS = {number: None for number in range(128) if not chr(number).isalnum()}


class KeysMissing(Exception):
    """The key file cannot be read or is not one; the message says what to do and holds no key."""


class KeyProvider(Protocol):
    """Where keys come from: a file today, a key-management service tomorrow."""

    def load(self) -> Keyring: ...


@dataclass(frozen=True)
class Keyring:
    """The shop's keys. `wrapping` and `fingerprinting` map a key's id to its 32 bytes; the newest id is used for what is new."""

    wrapping: dict[str, bytes] = field(repr=False)
    fingerprinting: dict[str, bytes] = field(repr=False)
    newest_wrapping: str
    newest_fingerprinting: str

    @classmethod
    def generate(cls) -> Keyring:
        """New random keys."""
        return cls({"w1": secrets.token_bytes(32)}, {"f1": secrets.token_bytes(32)}, "w1", "f1")

    def rotated(self) -> Keyring:
        """The same keys with a new wrapping key that is used from now on; old data keys stay readable."""
        name = f"w{max(int(key[1:]) for key in self.wrapping) + 1}"
        return Keyring({**self.wrapping, name: secrets.token_bytes(32)}, self.fingerprinting, name, self.newest_fingerprinting)

    def new_data_key(self, about: str) -> tuple[DataKey, bytes, str]:
        """A data key for one batch: the key, its wrapped form to store, and the id of the key that wrapped it."""
        raw = AESGCM.generate_key(bit_length=256)
        return DataKey(raw), self._wrap(self.newest_wrapping, raw, about), self.newest_wrapping

    def open_data_key(self, wrapped: bytes, wrapping_key_id: str, about: str) -> DataKey:
        """The data key that was stored wrapped for the same `about`."""
        try:
            kek = self.wrapping[wrapping_key_id]
        except KeyError:
            raise KeysMissing(f"The key file lacks the wrapping key {wrapping_key_id}: restore the backup of the key file.") from None
        return DataKey(AESGCM(kek).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], about.encode()))

    def rewrap(self, wrapped: bytes, wrapping_key_id: str, about: str) -> tuple[bytes, str]:
        """The same data key under the newest wrapping key: one row per batch, no code is touched."""
        raw = AESGCM(self.wrapping[wrapping_key_id]).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], about.encode())
        return self._wrap(self.newest_wrapping, raw, about), self.newest_wrapping

    def fingerprint(self, secret: str) -> bytes:
        """HMAC-SHA256 of the normalised secret: equal secrets, however typed, give equal fingerprints over the whole shop."""
        return hmac.digest(self.fingerprinting[self.newest_fingerprinting], normalised(secret).encode(), hashlib.sha256)

    def _wrap(self, name: str, raw: bytes, about: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(self.wrapping[name]).encrypt(nonce, raw, about.encode())


class DataKey:
    """The key of one batch; encrypts each code with the row's identity as associated data, so that swapped rows fail to open."""

    __slots__ = ("_aead",)

    def __init__(self, raw: bytes) -> None:
        self._aead = AESGCM(raw)

    def seal(self, plain: str, about: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._aead.encrypt(nonce, plain.encode(), about.encode())

    def open(self, sealed: bytes, about: str) -> str:
        """Raises cryptography's InvalidTag when the row is not the one that was sealed."""
        return self._aead.decrypt(sealed[:_NONCE], sealed[_NONCE:], about.encode()).decode()

    def __repr__(self) -> str:
        return "DataKey(***)"


def normalised(secret: str) -> str:
    """NFKC, upper case, and only letters and digits: separators and spaces never make a code new (signs do when there is nothing else)."""
    if secret.isascii():
        # As most are: nothing to normalise, and a table drops the signs in one go.
        folded = secret.upper()
        kept = folded if folded.isalnum() else folded.translate(_ASCII_SIGNS)
    else:
        folded = unicodedata.normalize("NFKC", secret).upper()
        kept = "".join(filter(str.isalnum, folded))
    return kept or folded.strip()


@dataclass(frozen=True)
class KeyFile:
    """Keys in a JSON file that only its owner may read."""

    path: Path

    def exists(self) -> bool:
        return self.path.exists()

    def create(self) -> Keyring:
        """Write new keys with mode 0600; never overwrites."""
        keyring = Keyring.generate()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(_dump(keyring))
            file.flush()
            os.fsync(file.fileno())
        return keyring

    def replace(self, keyring: Keyring) -> None:
        """Write changed keys beside the old file and put them in its place in one step."""
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(_dump(keyring))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)

    def load(self) -> Keyring:
        try:
            if os.name == "posix" and self.path.stat().st_mode & 0o077:
                raise KeysMissing(f"The key file {self.path} can be read by others: run `chmod 600 {self.path}`.")
            data = json.loads(self.path.read_text(encoding="utf-8"))
            if data["format"] != _FORMAT:
                raise KeyError("format")
            keyring = Keyring(
                {name: _key(text) for name, text in data["wrapping"]["keys"].items()},
                {name: _key(text) for name, text in data["fingerprinting"]["keys"].items()},
                data["wrapping"]["newest"],
                data["fingerprinting"]["newest"],
            )
            # What is new must be readable tomorrow: the newest keys are looked up now, not at the first import.
            _ = keyring.wrapping[keyring.newest_wrapping], keyring.fingerprinting[keyring.newest_fingerprinting]
            return keyring
        except FileNotFoundError:
            raise KeysMissing(f"The key file {self.path} is missing: restore its backup, or name another in SHOP_KEYS.") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise KeysMissing(f"The key file {self.path} is damaged: restore its backup.") from None
        except OSError as trouble:
            raise KeysMissing(f"The key file {self.path} cannot be read: {trouble.strerror}.") from None


def _dump(keyring: Keyring) -> str:
    def part(newest: str, kept: dict[str, bytes]) -> dict[str, object]:
        return {"newest": newest, "keys": {name: b64encode(raw).decode() for name, raw in kept.items()}}

    return json.dumps(
        {
            "format": _FORMAT,
            "wrapping": part(keyring.newest_wrapping, keyring.wrapping),
            "fingerprinting": part(keyring.newest_fingerprinting, keyring.fingerprinting),
        },
        indent=2,
    )


def _key(text: str) -> bytes:
    raw = b64decode(text, validate=True)
    if len(raw) != 32:
        raise ValueError("a key has 32 bytes")
    return raw
