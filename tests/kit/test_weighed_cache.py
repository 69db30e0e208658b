"""Values are kept by their weight, the last used longest."""

from clarion.kit.weighed_cache import WeighedCache


def test_the_heaviest_go_first_that_were_not_used_again() -> None:
    made = list[str]()
    cache = WeighedCache[str](10, len)

    def get(value: str) -> str:
        return cache.get(value, lambda: made.append(value) or value)  # type: ignore[func-returns-value]

    for value in ("aaaa", "bbbb", "aaaa", "cccc", "aaaa", "bbbb"):
        assert get(value) == value
    assert made == ["aaaa", "bbbb", "cccc", "bbbb"]  # c displaced b, which was used longest ago


def test_one_value_may_be_heavier_than_all_together() -> None:
    cache = WeighedCache[bytes](3, len)
    assert cache.get("x", lambda: b"heavy") is cache.get("x", lambda: b"other")
    assert cache.get("y", lambda: b"y") == b"y"
    assert cache.get("x", lambda: b"again") == b"again"


def test_what_is_forgotten_weighs_nothing() -> None:
    cache = WeighedCache[str](4, len)
    cache.get("a", lambda: "aaaa")
    cache.clear()
    cache.get("b", lambda: "bb")
    cache.get("c", lambda: "cc")
    assert cache.get("b", lambda: "other") == "bb"
