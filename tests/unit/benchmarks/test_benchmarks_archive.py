"""The archive's benchmark runs, and counts every event."""

from benchmarks.archive import measure


def test_the_archive_is_measured() -> None:
    """With so few events the figures mean nothing."""
    found = measure(events=3_000, rounds=1)
    assert found["archive_events_per_s"] > 0
    assert 10 < found["archive_bytes_per_event"] < 400
    assert found["details"]["events"] == 3_000
