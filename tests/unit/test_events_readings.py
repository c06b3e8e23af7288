"""A batch's two readings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tasks.events import outcomes, parse, preview


def _batch(count: int, name: str = "e") -> list[str]:
    ids = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(count)]
    return [
        f'{{"id":"{name}-{id_}","detail-type":"conversation.end","detail":{{"conversationId":"{id_}"}}}}'
        for id_ in (*ids[:-1], "no-uuid")
    ]


def test_the_second_reading_is_the_first_one_again() -> None:
    """The events are read once for the run's name and its validation; in the end nothing of them is kept."""
    first = preview(_batch(50))

    assert outcomes(_batch(50)) is first
    again = outcomes(_batch(50))
    assert again is not first
    assert again == first == [each for text in _batch(50) for each in parse(text)]


def test_runs_are_named_and_validated_at_once() -> None:
    """Threads that preview and read the same and other batches get whole readings, and none fails."""
    batches = [_batch(2, f"batch{number}") for number in range(40)]
    expected = [[each for text in batch for each in parse(text)] for batch in batches]

    def run(number: int) -> bool:
        preview(batches[number % 40])
        return outcomes(batches[number % 40]) == expected[number % 40]

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(run, range(2_000)))


def test_batches_are_not_mixed_up() -> None:
    """Of many batches that are under way at once, each gets its own events, in its own order."""
    batches = [_batch(3, f"batch{number}") for number in range(100)]
    previews = [preview(batch) for batch in batches]

    assert [outcomes(batch) for batch in batches] == previews
    assert outcomes(batches[0][::-1]) == previews[0][::-1]
