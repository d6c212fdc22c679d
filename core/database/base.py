"""What every table shares: integer keys on both databases, enums by value, instants in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum as PyEnum
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import JSON, BigInteger, Enum, Integer, MetaData
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator

BigInt = BigInteger().with_variant(Integer(), "sqlite")  # SQLite only gives a rowid alias to INTEGER.

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Microseconds since 1970 UTC: how instants are stored, the same on both databases."""
    return (at - _EPOCH) // _MICROSECOND


def instant(stored: int) -> datetime:
    """The instant that `micros` stored."""
    return _EPOCH + stored * _MICROSECOND


class Instant(TypeDecorator[datetime]):
    """An aware datetime in UTC, stored as microseconds since 1970, because SQLite has no time zones."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else micros(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else instant(int(value))


def _values(enum: type[PyEnum]) -> list[str]:
    return [str(member.value) for member in enum]


Id = Annotated[int, mapped_column(BigInt, primary_key=True, autoincrement=True)]


class Base(DeclarativeBase):
    """All tables of the shop."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        int: BigInt,
        datetime: Instant,
        # By value and without a native type: a partial index on 'free' must match, and a new member must need no ALTER TYPE.
        StrEnum: Enum(StrEnum, native_enum=False, values_callable=_values, length=32, create_constraint=False),
        dict[str, Any]: JSON(none_as_null=True),
        dict[str, str]: JSON(none_as_null=True),
        list[str]: JSON(none_as_null=True),
    }
