"""Settings: what the shopkeeper says in the environment or in `.env`; what is missing or wrong is one sentence that names it."""

from __future__ import annotations

import ipaddress
import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from babel import Locale
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from core.money import STARS
from locales import languages, match

TELEGRAM = "https://api.telegram.org"

# The longest a Telegram id may be, after Telegram's own words: at most 52 significant bits.
_HIGHEST_TELEGRAM_ID = 1 << 52
_TOKEN = re.compile(r"\d{3,20}:[A-Za-z0-9_-]{20,100}")
_BETWEEN_IDS = re.compile(r"[\s,;，、；]+")
_HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\.?")


class SettingsWrong(Exception):
    """Settings that are missing or wrong; the message is one sentence for each and never holds a secret."""


class Settings(BaseSettings):
    """Everything that is set from outside. Make it by `read_settings`, which turns mistakes into sentences."""

    model_config = SettingsConfigDict(
        env_prefix="SHOP_",
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
        frozen=True,
        validate_default=False,
    )

    bot_token: SecretStr | None = None
    bot_api: str = TELEGRAM
    database: SecretStr = Field(default=SecretStr("sqlite:///data/shop.db"))
    redis: SecretStr | None = None
    admins: Annotated[tuple[int, ...], NoDecode] = ()
    admin_group: int | None = None
    keys: Path = Path("data/shop.keys")
    currency: str = "CNY"
    listen: str = "127.0.0.1:8080"
    public_url: str | None = None
    language: str = match("zh", "zh")
    timezone: str = "Asia/Shanghai"
    holds_per_buyer: int = Field(default=3, ge=1, le=100)
    reversible_a_day: int = Field(default=5000, ge=0, le=10**9)  # whole units of the shop's currency
    api_per_minute: int = Field(default=3000, ge=1, le=10**6)  # requests of one key of a reseller
    reports_near: bool = False  # their programs may be in the network around the shop
    hold_share_percent: int = Field(default=50, ge=1, le=100)
    rates: Annotated[tuple[tuple[str, Decimal], ...], NoDecode] = ()  # each with what one unit is worth in the shop's currency
    # Five days and a half: at Easter the central bank says nothing from Thursday's rates to Tuesday's, and that is the longest.
    rates_max_age_hours: int = Field(default=132, ge=1, le=24 * 31)
    rates_buffer_percent: Decimal = Field(default=Decimal(1), ge=0, le=50, max_digits=6, decimal_places=4)
    rates_jump_percent: Decimal = Field(default=Decimal(20), gt=0, le=1000, max_digits=8, decimal_places=4)
    rates_refresh_minutes: int = Field(default=60, ge=5, le=24 * 60)

    @property
    def token(self) -> str:
        """The bot's token; raises SettingsWrong when it is missing."""
        if self.bot_token is None:
            raise SettingsWrong("SHOP_BOT_TOKEN is missing: ask @BotFather in Telegram for a bot and put its token there.")
        return self.bot_token.get_secret_value()

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL with its password, for connecting only."""
        return self.database.get_secret_value()

    @property
    def database_shown(self) -> str:
        """The database's URL for people, without its password."""
        return make_url(self.database_url).render_as_string(hide_password=True)

    @property
    def redis_url(self) -> str | None:
        return None if self.redis is None else self.redis.get_secret_value()

    @property
    def listen_is_set(self) -> bool:
        """Was the address of the HTTP doors chosen, and not left as it is?"""
        return "listen" in self.model_fields_set

    @property
    def listen_at(self) -> tuple[str, int]:
        """Host and port of the HTTP doors."""
        host, _, port = self.listen.rpartition(":")
        return host.removeprefix("[").removesuffix("]"), int(port)

    @field_validator("bot_token")
    @classmethod
    def _token(cls, token: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(token.get_secret_value().strip()):
            raise ValueError("does not look like a bot's token: copy it once more from @BotFather, it is like 123456:ABC-DEF…")
        return SecretStr(token.get_secret_value().strip())

    @field_validator("bot_api")
    @classmethod
    def _bot_api(cls, address: str) -> str:
        return _web_address(address, ("http", "https"), "an address such as https://api.telegram.org")

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, address: str) -> str:
        return _web_address(
            address, ("http", "https"), "the address under which the shop is seen from outside, such as https://shop.example"
        )

    @field_validator("database")
    @classmethod
    def _database(cls, given: SecretStr) -> SecretStr:
        says = "must be a SQLAlchemy URL, such as sqlite:///data/shop.db or postgresql://user:password@host/shop"
        text = re.sub(r"^postgres(?=[:+])", "postgresql", given.get_secret_value().strip())
        try:
            url = make_url(text)
        except ArgumentError:
            # Never with its cause: that would quote the password.
            raise ValueError(says) from None
        if url.get_backend_name() not in ("sqlite", "postgresql"):
            raise ValueError(says)
        if not url.database:
            raise ValueError(f"names no database: it {says}")
        if url.get_backend_name() == "sqlite" and (url.database.startswith((":memory:", "file:")) or url.query):
            raise ValueError("must name a plain SQLite file, such as sqlite:///data/shop.db: orders in memory would be lost")
        return SecretStr(url.render_as_string(hide_password=False))

    @field_validator("redis")
    @classmethod
    def _redis(cls, given: SecretStr) -> SecretStr:
        parts = urlsplit(given.get_secret_value().strip())
        if parts.scheme not in ("redis", "rediss", "unix") or not (parts.hostname or parts.path):
            raise ValueError("must be an address such as redis://127.0.0.1:6379/0")
        return SecretStr(given.get_secret_value().strip())

    @field_validator("admins", mode="before")
    @classmethod
    def _admins(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        ids: dict[int, None] = {}
        for word in filter(None, _BETWEEN_IDS.split(given.strip())):
            if not (word.isascii() and word.isdigit() and 0 < int(word) < _HIGHEST_TELEGRAM_ID):
                raise ValueError(
                    f"must be Telegram ids – whole numbers with commas or spaces between –, and “{word[:40]}” is not one "
                    "(@userinfobot tells a person theirs)"
                )
            ids[int(word)] = None
        return tuple(ids)

    @field_validator("admin_group", mode="before")
    @classmethod
    def _admin_group(cls, given: Any) -> Any:
        if isinstance(given, str):
            if not re.fullmatch(r"-\d{1,16}", given.strip(), re.ASCII):
                raise ValueError(
                    f"must be the id of a group, a whole number below zero such as -1001234567890, and “{given[:20]}” is not one"
                )
            return int(given)
        return given

    @field_validator("keys")
    @classmethod
    def _keys(cls, path: Path) -> Path:
        path = path.expanduser()
        if path.is_dir():
            raise ValueError(f"must name a file, and {path} is a folder")
        return path

    @field_validator("currency")
    @classmethod
    def _currency(cls, given: str) -> str:
        currency = given.strip().upper()
        if currency not in Locale("en").currencies:
            raise ValueError(f"must be the code of a currency, such as CNY, USD or EUR, and “{given[:20]}” is not one")
        return currency

    @field_validator("rates", mode="before")
    @classmethod
    def _rates(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        rates: dict[str, Decimal] = {}
        for word in filter(None, re.split(r"[\s,;，；]+", given.strip())):
            one, _, worth = word.partition("=")
            one = one.upper()
            # Never quoted beyond its beginning: who mixes lines up may have put a secret here.
            says = (
                f"must be rates such as USD=7.20,JPY=0.0485 – one unit and its worth in the shop's currency –, and “{word[:20]}” is not one"
            )
            if not re.fullmatch(r"\d{1,9}(\.\d{1,12})?", worth, re.ASCII) or not Decimal(worth):
                raise ValueError(says)
            if one == STARS:
                raise ValueError("cannot set the rate of Stars: that is set in the chat, /admin, ⚙️ Settings")
            if one not in Locale("en").currencies:
                raise ValueError(f"{says}: no currency is called so")
            if one in rates:
                raise ValueError(f"names {one} twice")
            rates[one] = Decimal(worth)
        return tuple(rates.items())

    @field_validator("listen")
    @classmethod
    def _listen(cls, given: str) -> str:
        host, colon, port = given.strip().rpartition(":")
        if not (colon and port.isascii() and port.isdigit() and int(port) < 65536 and _is_host(host)):
            raise ValueError(f"must be a host and a port, such as 127.0.0.1:8080, and “{given[:60]}” is not")
        return given.strip()

    @field_validator("language")
    @classmethod
    def _language(cls, given: str) -> str:
        language = match(given, "en")
        if language == "en" and not given.strip().lower().startswith("en"):
            raise ValueError(f"is “{given[:20]}”, and the shop speaks {', '.join(languages())}")
        return language

    @field_validator("timezone")
    @classmethod
    def _timezone(cls, given: str) -> str:
        wanted = given.strip()
        known = next((name for name in available_timezones() if name.casefold() == wanted.casefold()), None)
        if known is None:
            raise ValueError(f"must be the name of a time zone, such as Asia/Shanghai or Europe/Moscow, and “{wanted[:40]}” is not one")
        return known

    @model_validator(mode="after")
    def _rates_of_others(self) -> Settings:
        if self.currency in dict(self.rates):
            raise ValueError(f"SHOP_RATES names {self.currency}, which is the shop's own currency: take it out.")
        return self

    @model_validator(mode="after")
    def _webhook_over_https(self) -> Settings:
        # Telegram itself delivers by https only; a local Bot API server takes either.
        if self.public_url is not None and self.public_url.startswith("http:") and self.bot_api == TELEGRAM:
            raise ValueError("SHOP_PUBLIC_URL must begin with https://, because Telegram delivers to nothing else.")
        return self


def read_settings() -> Settings:
    """The settings from the environment and `.env` in the working folder; raises SettingsWrong."""
    try:
        return Settings()
    except ValidationError as wrong:
        raise SettingsWrong("\n".join(_sentence(error) for error in wrong.errors(include_input=False, include_url=False))) from None
    except SettingsError as wrong:
        raise SettingsWrong(f"The settings cannot be read: {wrong}.") from None
    except UnicodeDecodeError:
        raise SettingsWrong("The file .env is not text in UTF-8: please save it as UTF-8.") from None
    except OSError as trouble:
        raise SettingsWrong(f"The file .env cannot be read: {trouble.strerror}.") from None


def _sentence(error: Any) -> str:
    said = str(error["ctx"]["error"]) if error["type"] == "value_error" else f"is wrong: {error['msg'].lower()}"
    if not error["loc"]:
        return said
    return f"SHOP_{str(error['loc'][0]).upper()} {said}."


def _web_address(given: str, schemes: tuple[str, ...], says: str) -> str:
    address = given.strip().rstrip("/")
    try:
        parts = urlsplit(address)
        fine = parts.scheme in schemes and bool(parts.hostname) and not (parts.query or parts.fragment or parts.username)
        _ = parts.port
    except ValueError:
        fine = False
    if not fine:
        raise ValueError(f"must be {says}")
    return address


def _is_host(host: str) -> bool:
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        try:
            return ipaddress.ip_address(host).version == 6
        except ValueError:
            return False
    return bool(_HOST.fullmatch(host))
