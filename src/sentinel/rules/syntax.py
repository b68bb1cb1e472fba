"""Condition text to a syntax tree with the position of every part."""

from functools import cache, lru_cache
from pathlib import Path

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

MAX_LENGTH = 4_000
_NAMES = {
    "NAME": "a name",
    "STRING": "a text",
    "INT": "a number",
    "FLOAT": "a number",
    "LPAR": '"("',
    "RPAR": '")"',
    "$END": "the end",
}


class ConditionError(Exception):
    """A condition is wrong ``offset`` characters from its start."""

    def __init__(self, offset: int, message: str, hint: str = "") -> None:
        super().__init__(offset, message, hint)
        self.offset, self.message, self.hint = offset, message, hint


@cache
def _parser() -> Lark:
    grammar = (Path(__file__).parent / "cel.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=False)


@lru_cache(maxsize=2_048)  # every shard of a worker compiles the same conditions
def parse(text: str) -> Tree[Token]:
    """The syntax tree of ``text``, to read only; raises ConditionError."""
    if len(text) > MAX_LENGTH:
        raise ConditionError(MAX_LENGTH, f"a condition has at most {MAX_LENGTH} characters")
    try:
        return _parser().parse(text)
    except UnexpectedCharacters as error:
        at = error.pos_in_stream or 0
        hint = 'use "==" to compare' if text[at] == "=" else ""
        raise ConditionError(at, f"unexpected {text[at]!r}", hint) from None
    except UnexpectedToken as error:
        ended = error.token.type == "$END"
        message = "the condition ends too soon" if ended else f'unexpected "{error.token}"'
        wanted = sorted({_NAMES[name] for name in error.accepts or () if name in _NAMES})
        hint = f"expected {' or '.join(wanted)}" if wanted else ""
        at = len(text) if ended else error.token.start_pos or 0
        raise ConditionError(at, message, hint) from None
    except UnexpectedInput as error:
        raise ConditionError(error.pos_in_stream or 0, "cannot be read") from None
