"""The Bot API methods that the sandbox carries out, by what they are about; importing this package registers them."""

from sandbox.methods import answering, chats, editing, payments, profile, receiving, rooms, sending

__all__ = ["answering", "chats", "editing", "payments", "profile", "receiving", "rooms", "sending"]
