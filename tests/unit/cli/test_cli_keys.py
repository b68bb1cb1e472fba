"""``sentinel keys new``: a file for its owner, an entry for everybody."""

import stat
from pathlib import Path

from tests.zygote import run

from sentinel.kafka.signing import read_signing_key
from sentinel.model.document import parse
from sentinel.model.people import read_people
from sentinel.model.signature import public_text
from sentinel.settings import Settings


def test_a_new_key_fits_its_entry(tmp_path: Path) -> None:
    """The private half is nobody else's to read and never overwritten."""
    path = tmp_path / "key"
    made = run("keys", "new", "李伟", "--out", path)
    assert (made.returncode, made.stderr) == (0, "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    people = read_people(parse(f"required: true\npeople:\n{made.stdout}", "people.yaml"))
    key = read_signing_key(Settings(signing_key_file=str(path)))
    assert key is not None
    assert people.keys["李伟"].public_bytes_raw() == key.public_key().public_bytes_raw()
    assert public_text(key) in made.stdout
    again = run("keys", "new", "li.wei", "--out", path)
    assert (again.returncode, again.stderr) == (1, f"sentinel: {path}: File exists\n")


def test_a_name_that_nobody_can_have_is_refused(tmp_path: Path) -> None:
    """One line, and no file."""
    made = run("keys", "new", "", "--out", tmp_path / "key")
    assert (made.returncode, made.stdout) == (1, "")
    assert made.stderr.startswith("sentinel: NAME: ")
    assert not (tmp_path / "key").exists()
