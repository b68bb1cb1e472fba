"""An event loop whose time is virtual: it jumps to the next timer when nothing else can happen.

Sockets, databases and TLS are real, and take no time.  So hours of a pager pass in a second, and
how busy the machine is decides nothing.
"""

import asyncio
import fcntl
import selectors
import socket
import struct
import termios
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_GRACE_S = 0.002
_MOST_GRACES = 500


class _Selector(selectors.DefaultSelector):
    """Waits for real events only while there may be one; else it lets time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        for _ in range(_MOST_GRACES):
            if not self._is_busy():
                break
            if ready := super().select(_GRACE_S):
                return ready
        if ready := super().select(_GRACE_S if self._has_connections() else 0):
            return ready
        if timeout is None:
            raise RuntimeError("everybody waits for something that will not come")
        self.now_s += timeout
        return []

    def _has_connections(self) -> bool:
        return any(_state(key.fileobj) is not None for key in self.get_map().values())

    def _is_busy(self) -> bool:
        """Whether bytes or a connection are on their way to a socket of this process."""
        return any(_state(key.fileobj) for key in self.get_map().values()) or any(
            key.events & selectors.EVENT_WRITE for key in self.get_map().values()
        )


def _state(file: Any) -> int | None:
    """The bytes of a TCP connection that its other end does not have yet; None for others."""
    number = file if isinstance(file, int) else file.fileno()
    try:
        with socket.socket(fileno=socket.dup(number)) as twin:
            if twin.family == socket.AF_UNIX or twin.getsockopt(
                socket.SOL_SOCKET, socket.SO_ACCEPTCONN
            ):
                return None
            return int(struct.unpack("i", fcntl.ioctl(twin, termios.TIOCOUTQ, b"\0" * 4))[0])
    except OSError:
        return None


class VirtualLoop(asyncio.SelectorEventLoop):
    """``asyncio``'s loop on virtual time; ``unknown`` are the hosts that have no address now."""

    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)
        # Timers of one moment run together: the difference of two floats is not exactly zero.
        self._clock_resolution = 1e-6
        self.unknown: set[str] = set()

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._clock.now_s

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """What asyncio runs in a thread; here in no time, and its waiter goes on afterwards."""
        waiter: asyncio.Future[T] = self.create_future()
        try:
            found = func(*args)
        except Exception as error:  # noqa: BLE001 - it is the waiter's
            self.call_soon(self._tell, waiter, None, error)
        else:
            self.call_soon(self._tell, waiter, found, None)
        return waiter

    @staticmethod
    def _tell(waiter: asyncio.Future[Any], found: Any, error: Exception | None) -> None:
        if waiter.cancelled():
            return
        if error is None:
            waiter.set_result(found)
        else:
            waiter.set_exception(error)

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        """Every host is this machine, but for those that are unknown."""
        if host in self.unknown:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        options.pop("flags", None)
        return await super().getaddrinfo("127.0.0.1", port, **options)


def run(main: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    """``main`` on a loop of its own."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main(loop))
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
