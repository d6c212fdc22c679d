"""The reseller API at /api/v1: signed requests, one file for who may come in, one for what is said, one for each answer."""

from web.api.door import ApiDoor, add_api_door
from web.api.memory import Entry, Memory, OwnMemory, Room

__all__ = ["ApiDoor", "Entry", "Memory", "OwnMemory", "Room", "add_api_door"]
