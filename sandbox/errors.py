"""The two ways the sandbox says no: to a bot in the Bot API's words, to a phone in one sentence."""

from typing import Any


class ApiError(Exception):
    """A refusal of the Bot API; `code` is both the HTTP status and the `error_code`."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def body(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            answer["parameters"] = self.parameters
        return answer


class ConnectionCut(Exception):
    """The connection of the bot is to be dropped without an answer."""


class PhoneError(Exception):
    """A refusal to a phone: an HTTP status and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def bad_request(text: str) -> ApiError:
    """400, worded as Telegram words it."""
    return ApiError(400, f"Bad Request: {text}")


def forbidden(text: str) -> ApiError:
    """403, worded as Telegram words it."""
    return ApiError(403, f"Forbidden: {text}")


def not_modelled(text: str) -> ApiError:
    """501: Telegram can do this, the sandbox cannot, and says so loudly."""
    return ApiError(501, f"Not Implemented: the sandbox does not model {text}")
