"""Compiled kernels in a container image, for processes that may not write there.

Numba uses a cache folder only if it can write into it, and a container's file system is
read-only.  Named in ``NUMBA_CACHE_LOCATOR_CLASSES`` (the Dockerfile does), this locator
copies what ``NUMBA_CACHE_DIR`` holds for a folder of sources to the temporary folder once:
a few megabytes instead of a minute's compiling, and a kernel that is missing is compiled as
always.
"""

import shutil
import tempfile
from pathlib import Path

from numba.core.caching import UserProvidedCacheLocator


class ImageCacheLocator(UserProvidedCacheLocator):
    """Numba's locator of ``NUMBA_CACHE_DIR``, by way of the container's temporary folder."""

    @property
    def _image(self) -> Path:
        return Path(super().get_cache_path())  # type: ignore[no-untyped-call]  # Numba's

    def get_cache_path(self) -> str:
        """The folder in which the kernels of one folder of sources are read and written."""
        return str(Path(tempfile.gettempdir(), "sentinel-kernels", self._image.name))

    def ensure_cache_path(self) -> None:
        """Copy the image's kernels, unless an earlier kernel of the same folder has."""
        mine = Path(self.get_cache_path())
        if self._image.is_dir() and not mine.is_dir():
            shutil.copytree(self._image, mine)
        super().ensure_cache_path()  # type: ignore[no-untyped-call]  # Numba's
