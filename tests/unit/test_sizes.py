"""No file over 400 lines and no function over 60, but for the kernels that Numba compiles."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("src", "agents", "tests", "benchmarks", "grafana")
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
KERNELS = {"kernel", "inlined"}
"""Decorators of what Numba compiles: a kernel is one loop, which calls would slow down."""


def _too_long(folder: str) -> Iterator[tuple[str, str]]:
    """The files and functions of a folder that are too long: name, and line with length."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        name, text = path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
        if (lines := text.count("\n")) > MOST_LINES_OF_A_FILE:
            yield name, f"{lines} lines"
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or _is_kernel(node):
                continue
            assert node.end_lineno is not None
            lines = node.end_lineno - node.lineno + 1
            if lines > MOST_LINES_OF_A_FUNCTION:
                yield f"{name} {node.name}", f"line {node.lineno}: {lines} lines"


def _is_kernel(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(decorator) in KERNELS for decorator in function.decorator_list)


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_file_and_no_function_is_too_long(folder: str) -> None:
    """Whatever is longer is split by what it does."""
    assert list(_too_long(folder)) == []
