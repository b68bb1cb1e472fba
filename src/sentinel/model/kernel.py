"""How kernels are compiled: loops over the arrays of their callers.

``_nrt=False`` compiles without Numba's memory runtime.  A kernel can then make no array,
but it does not count references either: atomic additions at every mention of an array,
which made some of these loops seven times slower.  It is Numba's own switch, without a
promise: should it go, leave it out here and everything works, slowly.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "_nrt": False}
_F = TypeVar("_F", bound=Callable[..., Any])


def kernel(function: _F) -> _F:
    """Compile a function of numbers and arrays; the compiled code is cached on disk."""
    return cast("_F", numba.njit(**_OPTIONS)(function))


def inlined(function: _F) -> _F:
    """The same, for a part of a kernel that is worth having in its caller's loop."""
    return cast("_F", numba.njit(inline="always", **_OPTIONS)(function))
