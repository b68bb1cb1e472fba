"""Kernels that come with an image: read by way of the temporary folder, never written there."""

import os
import subprocess
import sys
from pathlib import Path

_LOCATOR = "sentinel.kernel_cache.ImageCacheLocator"
_PROGRAM = "from sentinel.model.ids import PLAIN; print(PLAIN.text('a'))"


def _says(**environment: str) -> str:
    clean = {name: text for name, text in os.environ.items() if not name.startswith("NUMBA_")}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env={**clean, **environment, "NUMBA_DEBUG_CACHE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def _files(folder: Path) -> dict[str, float]:
    return {str(path): path.stat().st_mtime for path in folder.rglob("*")}


def test_an_images_kernels_are_used_and_not_touched(tmp_path: Path) -> None:
    """Compiled once into the image's folder; afterwards loaded, none compiled, none written."""
    image, scratch = tmp_path / "image", tmp_path / "scratch"
    scratch.mkdir()
    assert "data saved to" in _says(NUMBA_CACHE_DIR=str(image))
    before = _files(image)
    log = _says(
        NUMBA_CACHE_DIR=str(image), NUMBA_CACHE_LOCATOR_CLASSES=_LOCATOR, TMPDIR=str(scratch)
    )
    assert f"data loaded from '{scratch}" in log
    assert "data saved to" not in log
    assert _files(image) == before


def test_a_kernel_that_the_image_lacks_is_compiled(tmp_path: Path) -> None:
    """An image without kernels costs time, and nothing else."""
    log = _says(
        NUMBA_CACHE_DIR=str(tmp_path / "none"),
        NUMBA_CACHE_LOCATOR_CLASSES=_LOCATOR,
        TMPDIR=str(tmp_path),
    )
    assert f"data saved to '{tmp_path}/sentinel-kernels" in log
    assert not (tmp_path / "none").exists()
