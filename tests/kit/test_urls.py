"""Hosts as name servers know them."""

import pytest

from clarion.kit.urls import ascii_host, host_in


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("Bücher.example", "xn--bcher-kva.example"),
        # Other names than strasse and βασοσ, as browsers have it.
        ("STRAẞE.example", "xn--strae-oqa.example"),
        ("βας.example", "xn--mxab3c.example"),
        ("ΒΑΣ.example", "xn--mxab6c.example"),
        ("例え。example", "xn--r8jz45g.example"),
        ("a.example.", "a.example."),
        ("", ""),
    ],
)
def test_the_name_of_a_host(host: str, name: str) -> None:
    assert ascii_host(host) == name


@pytest.mark.parametrize("host", ["a..example", ".example", "x" * 64, "ß" + "x" * 63])
def test_what_is_no_name(host: str) -> None:
    with pytest.raises(ValueError):
        ascii_host(host)


def test_the_host_in_a_netloc() -> None:
    assert host_in("user:secret@Bücher.example:8443") == "Bücher.example"
