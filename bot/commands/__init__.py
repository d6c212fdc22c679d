"""The command line: one file for each group of commands; what they need is loaded when they run, so that help is quick."""

from bot.commands.app import app

__all__ = ["app"]
