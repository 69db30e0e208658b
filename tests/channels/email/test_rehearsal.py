"""The e-mail kind against the simulator: what is uploaded."""

from channels.email.fixtures import CASE
from channels.rehearsal import Stage
from clarion.channels.contract import Accepted
from clarion.kit.parts import Media

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3000


async def test_b2_an_uploaded_picture_is_in_the_message(stage: Stage) -> None:
    assert CASE.rehearsal is not None
    picture = Media("image", "", "anna ü.png", "image/png", PNG)
    assert isinstance(await stage.send(CASE.rehearsal, media=picture), Accepted)
    assert "multipart/related" in (await stage.last_entry())["text"]
