"""Connections as contexts."""

from abc import ABC, abstractmethod
from typing import Self


class Closing(ABC):
    """Is closed where its context ends."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Disconnect."""
