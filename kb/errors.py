"""Every error a user can meet, each one Chinese sentence: what was found, what was expected, the cure.

KBError                    anything below; a door prints ``str(error)`` and stops
├── InputError             the query, batch line or option is not usable (exit code 2, HTTP 4xx)
├── SettingsError          a KB_… setting has a wrong value
├── CorpusError            a corpus file is missing, damaged or not understood (names file and line)
├── EncoderError           the encoder cannot be found, converted or loaded
└── IndexFolderError            the index folder is missing, stale or damaged
"""

from __future__ import annotations

__all__ = [
    "CorpusError",
    "EncoderError",
    "IndexFolderError",
    "InputError",
    "KBError",
    "SettingsError",
]


class KBError(Exception):
    """Base of all errors that reach a user; the message is one Chinese sentence."""


class InputError(KBError):
    """The caller's input cannot be used; ``code`` is the machine-readable reason."""

    def __init__(self, message: str, code: str = "input_invalid") -> None:
        super().__init__(message)
        self.code = code


class SettingsError(KBError):
    """A setting has a value that is not allowed."""


class CorpusError(KBError):
    """A corpus file cannot be read as a document."""


class EncoderError(KBError):
    """The text encoder cannot be made ready."""


class IndexFolderError(KBError):
    """The index folder is missing, stale or damaged.

    ``state`` tells a door what to do: ``missing`` and ``stale`` can be rebuilt at once, ``damaged`` is reported first.
    """

    def __init__(self, message: str, state: str = "damaged") -> None:
        super().__init__(message)
        self.state = state
