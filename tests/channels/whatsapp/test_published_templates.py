"""Templates and their parameters in the form of Meta's OpenAPI document."""

import pytest

from channels.published import problems
from channels.whatsapp.fixtures import make
from channels.whatsapp.published import PUBLISHED
from clarion.channels.contract import Outgoing, Template

URL = "https://pictures.example/spring.jpg"


@pytest.mark.parametrize(
    ("variables", "places"),
    [
        ((), ()),
        (("Anna", "20 %"), ()),
        (("Spring", "Anna"), ("header", "body")),
        (("Spring", "Anna"), ("header=title", "body=first_name")),
        ((URL, "Anna", "sale/7", "CODE7"),
         ("header:image", "body", "button:0:url", "button:1:copy_code")),
        ((URL,), ("header:video",)),
        ((URL,), ("header:document",)),
    ],
)  # fmt: skip
def test_templates_have_the_published_form(
    variables: tuple[str, ...], places: tuple[str, ...]
) -> None:
    template = Template("spring", "en", variables, places)
    for to in ("16505551234", "US.13491208655302741918"):
        request = make().request(Outgoing("abc-17", 3, to, "", template=template))
        assert problems(PUBLISHED, PUBLISHED.request(request)) == []
