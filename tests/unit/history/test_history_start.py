"""Programs that start at once on one database."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sentinel.history.store import Store


def test_programs_that_start_at_once_take_turns(tmp_path: Path) -> None:
    """History and desk make the tables of one new file together."""
    for round_ in range(5):
        url = f"sqlite:///{tmp_path}/{round_}.db"
        with ThreadPoolExecutor(8) as pool:
            stores = list(pool.map(Store, [url] * 8))
        assert {store.position("alerts-0") for store in stores} == {None}
        for store in stores:
            store.close()
