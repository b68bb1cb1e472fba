"""The glossary's words: no identifier of the code has a word that another has replaced."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[3]
FOLDERS = ("src/sentinel", "agents", "benchmarks")


class Word(NamedTuple):
    """A word that is no longer used, what to use instead, and where: under which folder.

    A word that begins with a capital is the whole name of a class.
    """

    old: str
    use: str
    within: str = ""


_SAID = "what it is: output, content, decoded, labels"
_TAKE = "process, apply, drain, allocate or read"
WORDS = (
    *(Word(each, _TAKE) for each in ("take", "takes", "taken", "taking", "took")),
    Word("said", _SAID),
    *(Word(each, "update (AlertUpdate)") for each in ("claim", "claims", "claimed")),
    *(Word(each, "resolution (AlertResolution)") for each in ("ending", "endings")),
    *(Word(each, "state (RiskState)") for each in ("standing", "standings")),
    Word("held", "label_buffer, or what it is: kept, known, pieces"),
    *(Word(each, "entity_risk") for each in ("heat", "hot", "hotlist")),
    Word("warmth", "warm_up"),
    *(Word(each, "raw text or keys") for each in ("spelled", "spelling", "spell")),
    Word("busy", "overflow"),
    Word("stage", "mode", "src/sentinel/rules"),
    Word("Verdict", "Transition", "src/sentinel/complaints"),
    Word("Risk", "LabelHistory", "src/sentinel/evaluate"),
    Word("Journal", "TrainingBuffer", "src/sentinel/evaluate"),
    *(Word(each, "row (TrainingRow)") for each in ("lesson", "lessons")),
    Word("waiting", "pending (PendingBatch)"),
    Word("Done", "CommittedStep"),
    Word("keeping", "SnapshotStore"),
    Word("answers", "client (ResponseClient), or responses"),
    Word("aside", "dead_letter"),
    *(Word(each, "row, index, key, path or partition") for each in ("place", "places")),
    Word("copies", "near_duplicates"),
    *(Word(each, "condition") for each in ("watch", "watches")),
    *(Word(each, "dedup_key") for each in ("occasion", "occasions")),
)

_MAP = "a geographical place"
_MONITORING = "to watch: the metrics and figures of a running process"
EXCEPTIONS: dict[str, dict[str, str]] = {
    "benchmarks/scaling/model.py": {"copies": "the copies of a snapshot in memory"},
    "src/sentinel/delivery/steps/0003_waiting.py": {"waiting": "a migration's id"},
    "src/sentinel/delivery/plan.py": {"waiting": "a suppressed alert's page, stored in the outbox"},
    "src/sentinel/delivery/watch.py": {"watch": _MONITORING},
    "src/sentinel/demo/watch.py": {"watch": _MONITORING},
    "src/sentinel/engine/configuration.py": {"held": "the key max_held_transactions"},
    "src/sentinel/model/response.py": {"held": "the value not_held, in metrics and dashboards"},
    "src/sentinel/rules/lists.py": {"watch": "a watch list"},
    "src/sentinel/simulate/logins.py": {"place": _MAP},
    "src/sentinel/simulate/places.py": {"place": _MAP, "places": _MAP},
    "src/sentinel/simulate/population.py": {"place": _MAP},
    "src/sentinel/simulate/scene.py": {"place": _MAP},
    "src/sentinel/simulate/transactions.py": {"place": _MAP},
}
"""By module: the words that it may use, and why."""

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+")


class Name(NamedTuple):
    """An identifier where it is defined."""

    line: int
    text: str
    is_class: bool = False


def _defined(tree: ast.Module) -> Iterator[Name]:
    """Classes, functions, parameters, and every name or attribute that is assigned."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef():
                yield Name(node.lineno, node.name, is_class=True)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield Name(node.lineno, node.name)
            case ast.arg():
                yield Name(node.lineno, node.arg)
            case ast.Name(id=text, ctx=ast.Store()) | ast.Attribute(attr=text, ctx=ast.Store()):
                yield Name(node.lineno, text)
            case ast.alias(asname=str(text)):
                yield Name(node.lineno, text)
            case ast.ExceptHandler(name=str(text)):
                yield Name(node.lineno, text)
            case ast.MatchAs(name=str(text)) | ast.MatchStar(name=str(text)):
                yield Name(node.lineno, text)
            case ast.MatchMapping(rest=str(text)):
                yield Name(node.lineno, text)
            case _:
                pass


def _has(name: Name, old: str) -> bool:
    if old.islower():
        return old in [part.lower() for part in _PART.findall(name.text)]
    return name.is_class and name.text.lstrip("_") == old


def _old_words(module: str, source: str) -> list[tuple[Name, Word]]:
    """The old words in what a module defines, and in its own name."""
    names = [Name(1, Path(module).stem), *_defined(ast.parse(source))]
    words = [each for each in WORDS if module.startswith(each.within)]
    return [(name, word) for name in sorted(set(names)) for word in words if _has(name, word.old)]


def test_no_identifier_has_a_word_that_was_replaced() -> None:
    """docs/glossary.md gives each word one meaning."""
    modules = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(modules) > 300
    wrong, used = [], set()
    for path in modules:
        module = path.relative_to(ROOT).as_posix()
        for name, word in _old_words(module, path.read_text("utf-8")):
            if word.old in EXCEPTIONS.get(module, {}):
                used.add((module, word.old))
            else:
                wrong.append(f"{module}:{name.line}: {name.text}: {word.old} is {word.use}")
    assert not wrong, "old words, see docs/glossary.md:\n" + "\n".join(wrong)
    assert used == {(module, word) for module, words in EXCEPTIONS.items() for word in words}


@pytest.mark.parametrize(
    "source",
    [
        "class BusyRow: ...",
        "class _Held: ...",
        "def take_all(): ...",
        "async def take(): ...",
        "def read(place): ...",
        "def read(*, said=1): ...",
        "def read(*places): ...",
        "read = lambda place: 1",
        "_said: int = 1",
        "BUSY_ROWS = 1",
        "self._held = 1",
        "for place, each in items: ...",
        "found = [1 for place in items]",
        "if (place := 1): ...",
        "with opened() as place: ...",
        "from path import Path as Place",
        "try: ...\nexcept OSError as said: ...",
        "match 1:\n case place: ...",
        "match 1:\n case [*places]: ...",
        "match 1:\n case {**said}: ...",
    ],
)
def test_an_old_word_is_found_wherever_a_name_is_defined(source: str) -> None:
    """In every form that gives a name."""
    assert len(_old_words("src/sentinel/new.py", source)) == 1


@pytest.mark.parametrize(
    "source", ["placeholder = 1", "mistake = 1", "found = old.place", "take()"]
)
def test_a_part_of_a_word_and_a_use_are_no_definition(source: str) -> None:
    """A library's own name may be used."""
    assert _old_words("src/sentinel/new.py", source) == []


def test_a_word_may_be_old_in_one_folder_or_for_classes_only() -> None:
    """A rule has a mode, but the engine has stages; a verdict is a value of dispositions."""
    assert len(_old_words("src/sentinel/rules/new.py", "stage = 1")) == 1
    assert _old_words("src/sentinel/engine/new.py", "stage = 1") == []
    assert len(_old_words("src/sentinel/complaints/new.py", "class Verdict: ...")) == 1
    assert _old_words("src/sentinel/complaints/new.py", "verdict = 1") == []
    assert len(_old_words("src/sentinel/busy.py", "")) == 1
