"""The search of the tests of leaks: it finds what a search of each text for each string would find."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.support.prefect_contents import appearances

SOME = st.text('ab1_-. é"\\/@\n', max_size=6)


@given(st.dictionaries(SOME, st.text('ab1_-. é"\\/@\n', max_size=40), max_size=3), st.sets(SOME, max_size=6))
def test_it_finds_what_is_there_and_no_more(texts: dict[str, str], strings: set[str]) -> None:
    """Plain, escaped as JSON, as JSON within JSON, and within longer words."""

    def forms(text: str) -> set[str]:
        once = json.dumps(text)[1:-1]
        return {text, once, json.dumps(once)[1:-1]}

    expected = {
        (place, each)
        for place, text in texts.items()
        for each in strings
        if any(form in text for form in forms(each))
    }
    assert appearances(texts, strings) == expected
