"""Connections as context managers."""

from abc import ABC, abstractmethod
from typing import Self


class Closing(ABC):
    """A connection that is closed at the end of its ``with`` block."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Disconnect."""
