"""The shipped text.yaml, read."""

from pathlib import Path

from sentinel.model.document import parse
from sentinel.text import declare

TEXT = (Path(__file__).parents[3] / "configs" / "text.yaml").read_text(encoding="utf-8")
DECLARATION = declare(parse(TEXT, "text.yaml"))
