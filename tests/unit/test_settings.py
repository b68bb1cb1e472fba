"""Settings: read once, refused with the variable's name."""

import pytest

from sentinel.settings import Settings, SettingsError


def test_defaults_and_values() -> None:
    """Numbers and durations are converted; other variables are not ours."""
    settings = Settings.from_environment(
        {"SENTINEL_PARTITIONS": "12", "SENTINEL_HORIZON": "2h", "PATH": "/bin"}
    )
    assert (settings.partitions, settings.horizon_ms, settings.brokers) == (
        12,
        7_200_000,
        "localhost:9092",
    )


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        (
            "SENTINEL_BROKER",
            "x",
            'SENTINEL_BROKER is not a setting (did you mean "SENTINEL_BROKERS"?)',
        ),
        ("SENTINEL_PARTITIONS", "many", "SENTINEL_PARTITIONS: expected `int`, got `str`"),
        ("SENTINEL_PARTITIONS", "0", "SENTINEL_PARTITIONS: expected `int` >= 1"),
        (
            "SENTINEL_HORIZON",
            "soon",
            'SENTINEL_HORIZON: "soon" is not a duration: a whole number and s, m, h or d, like 10m',
        ),
    ],
)
def test_refused(variable: str, value: str, complaint: str) -> None:
    """A wrong value or a typing mistake is one line that names the variable."""
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({variable: value})
    assert str(error.value) == complaint
