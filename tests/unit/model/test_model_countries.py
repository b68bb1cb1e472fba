"""Countries: each has its codes and names for itself, and what is no country has no code."""

import pytest

from sentinel.model.countries import WRITTEN, country_of


def test_every_code_and_name_is_of_one_country() -> None:
    """All 249 of ISO 3166-1 and Kosovo, in any case, and no text is of two."""
    assert len(WRITTEN) == 250
    for code, texts in WRITTEN.items():
        for text in texts:
            assert {country_of(each) for each in (text, text.upper(), text.lower())} == {code}


@pytest.mark.parametrize("part", [1, 2])
def test_codes_have_their_length_and_are_distinct(part: int) -> None:
    """Three letters or three digits after each alpha-2 code, and names behind them."""
    codes = {texts[part] for texts in WRITTEN.values()}
    assert len(codes) == len(WRITTEN)
    assert all(
        len(code) == 3 and (code.isdecimal() if part == 2 else code.isalpha()) for code in codes
    )
    assert all(texts[3:] for texts in WRITTEN.values())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (" cn ", "CN"),
        ("Chn", "CN"),
        ("008", "AL"),
        ("the Gambia", "GM"),
        ("Cote d\u2019Ivoire", "CI"),
        ("TURKIYE", "TR"),
        ("St Lucia", "LC"),
        ("Viet  Nam", "VN"),
        ("South Korea", "KR"),
        ("xk", "XK"),
        ("U.S.", "US"),
        ("8", ""),
        ("1.56", ""),
        ("156.0", ""),
        ("AA", ""),
        ("ZZ", ""),
        ("XX", ""),
        ("Korea", ""),
        ("Virgin Islands", ""),
        ("中国", ""),
        ("N/A", ""),
        ("", ""),
    ],
)
def test_a_text_is_a_country_or_none(text: str, code: str) -> None:
    """Accents, punctuation, spaces and the article do not matter; shared names are no country."""
    assert country_of(text) == code
