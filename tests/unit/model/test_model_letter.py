"""Ids of dead letters: written and read alike."""

import pytest

from sentinel.model.letter import RecordPosition, parse_position


def test_an_id_is_topic_partition_and_offset() -> None:
    """What is printed can be given back."""
    position = RecordPosition("t.logins-2", 3, 17)
    assert str(position) == "t.logins-2/3/17"
    assert parse_position(str(position)) == position


@pytest.mark.parametrize("text", ["", "17", "t/1", "t/1/x", "t/-1/2", "t/1/2/3", "t u/1/2"])
def test_what_is_no_id_is_refused(text: str) -> None:
    """The message shows how an id looks."""
    with pytest.raises(ValueError, match=r"is not the id of a dead letter, such as \S+/0/17"):
        parse_position(text)
