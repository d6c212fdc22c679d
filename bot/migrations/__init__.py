"""Migrations: the database's schema, step by step, the same files for SQLite and PostgreSQL."""

from bot.migrations.steps import CannotMigrate, database_revision, migrate, newest_revision

__all__ = ["CannotMigrate", "database_revision", "migrate", "newest_revision"]
