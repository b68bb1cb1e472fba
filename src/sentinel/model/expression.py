"""Regular expressions that come from outside: RE2's, as in Alertmanager.

Its time is linear in the text and its memory bounded, for every expression and every text:
with backtracking ``(a+)+$`` takes seconds for an id of 26 letters.  There are no look-around
and no back-references (https://github.com/google/re2/wiki/Syntax); ``.`` is any character.
"""

from typing import Any

import re2

from sentinel.model.document import WrongTextError

LONGEST = 1_000
"""Characters of an expression."""
_MOST_MEMORY = 1 << 20  # bytes of one compiled expression
_SHOWN = 80
_OPTIONS = re2.Options()
_OPTIONS.dot_nl = True
_OPTIONS.log_errors = False
_OPTIONS.max_mem = _MOST_MEMORY

Expression = Any
"""Has ``fullmatch``, ``search`` and ``groupindex``, as those of :mod:`re`."""


def compile_expression(text: str) -> Expression:
    """The compiled expression; raises WrongTextError for what is none, or is too long."""
    if len(text) > LONGEST:
        raise WrongTextError(f"an expression of {len(text)} characters; {LONGEST} is the most")
    try:
        return re2.compile(text, _OPTIONS)
    except (re2.error, UnicodeEncodeError) as error:
        reason = str(error)
        if error.args and isinstance(error.args[0], bytes):
            reason = error.args[0].decode("utf-8", "replace")
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        message = f'"{shown}" is not a regular expression: {reason[:_SHOWN]}'
        raise WrongTextError(message, "RE2's syntax, as in Alertmanager") from None
