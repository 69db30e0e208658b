"""Every kind against the simulator: over the real transport, with every fault it knows."""

import hashlib

import pytest

from channels.cases import CASES
from channels.fixtures import refusal_of
from channels.rehearsal import Rehearsal, Stage
from clarion.channels.abilities import UploadsFirst
from clarion.channels.contract import Accepted, Refused, Unsendable
from clarion.channels.errors import ChannelError
from clarion.channels.manage import ask_provider
from clarion.channels.models import Channel
from clarion.channels.registry import kind_class
from clarion.kit.parts import Button, Media
from clarion.transport.errors import MaybeSent, NotSent

REHEARSALS = [case.rehearsal for case in CASES.values() if case.rehearsal is not None]
EACH = pytest.mark.parametrize("rehearsal", REHEARSALS, ids=lambda one: one.kind)
FAULTS = [
    pytest.param(rehearsal, fault, expected, id=f"{rehearsal.kind}: {fault}")
    for rehearsal in REHEARSALS
    for fault, expected in rehearsal.faults.items()
]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3000  # 768 kB, larger than one read
URL = "https://pictures.example/anna.png"


def channel(rehearsal: Rehearsal, stage: Stage, **changes: str) -> Channel:
    channel_row = Channel(pk=1, name="main", kind=rehearsal.kind)
    channel_row.config = {**rehearsal.settings(stage.simulator), **changes}
    return channel_row


def test_kinds_are_rehearsed_with_the_same_faults() -> None:
    assert len({frozenset(rehearsal.faults) for rehearsal in REHEARSALS}) == 1


@EACH
async def test_a_message_arrives(stage: Stage, rehearsal: Rehearsal) -> None:
    outcome = await stage.send(rehearsal, "Hello ü\nand bye")
    assert isinstance(outcome, Accepted)
    assert bool(outcome.external_id) is rehearsal.keeps_external_id
    (entry,) = (await stage.ask("/_/log"))["entries"]
    assert (entry["outcome"], entry["recipient"]) == ("accepted", rehearsal.recipient)
    assert entry["key"] == rehearsal.key
    if not rehearsal.logs_source:
        assert entry["text"] == "Hello ü\nand bye"


@pytest.mark.parametrize(("rehearsal", "fault", "expected"), FAULTS)
async def test_every_fault_is_classed_as_what_the_simulator_knows_it_to_be(
    stage: Stage, rehearsal: Rehearsal, fault: str, expected: str
) -> None:
    try:
        outcome = await stage.send(rehearsal, to=rehearsal.faulty.format(fault=fault))
        outcome_class = str(refusal_of(outcome) or "accepted")
    except NotSent:
        outcome_class = "not sent"
    except MaybeSent:
        outcome_class = "maybe sent"
    assert outcome_class == expected
    accepted = await stage.ask("/_/log?outcome=accepted")
    if outcome_class == "accepted":
        assert len(accepted["entries"]) == 1
    if outcome_class not in ("accepted", "maybe sent", "unknown"):
        assert not accepted["entries"], "classed as certainly not sent, but it was accepted"


@EACH
async def test_throttling_lasts_as_long_as_the_provider_asks(
    stage: Stage, rehearsal: Rehearsal
) -> None:
    await stage.ask("/_/behaviour", {"retry_after": 7})
    outcome = await stage.send(rehearsal, to=rehearsal.faulty.format(fault="429"))
    assert isinstance(outcome, Refused)
    assert outcome.retry_after == rehearsal.wait


@EACH
async def test_a_good_check_sends_nothing(stage: Stage, rehearsal: Rehearsal) -> None:
    answer = await ask_provider(channel(rehearsal, stage))
    assert rehearsal.good in answer.sentence
    assert not (await stage.ask("/_/log?outcome=accepted"))["entries"]


@pytest.mark.parametrize(
    "rehearsal", [one for one in REHEARSALS if one.wrong], ids=lambda one: one.kind
)
async def test_a_check_with_wrong_credentials_says_what_to_do(
    stage: Stage, rehearsal: Rehearsal
) -> None:
    with pytest.raises(ChannelError, match=rehearsal.bad):
        await ask_provider(channel(rehearsal, stage, **rehearsal.wrong))


SHOWING = pytest.mark.parametrize(
    "rehearsal",
    [one for one in REHEARSALS if kind_class(one.kind).limits.media],
    ids=lambda one: one.kind,
)


@SHOWING
async def test_b2_a_picture_with_a_url_arrives(stage: Stage, rehearsal: Rehearsal) -> None:
    picture = Media("image", URL, "anna.png", "image/png")
    assert isinstance(await stage.send(rehearsal, media=picture), Accepted)
    entry = await stage.last_entry()
    assert entry["outcome"] == "accepted"
    if rehearsal.logs_parts:
        assert entry["text"] == "Hello"
        assert (entry["media"]["kind"], entry["media"]["url"]) == ("image", URL)
    else:
        assert "Hello" in entry["text"]


@pytest.mark.parametrize(
    "rehearsal",
    [
        one
        for one in REHEARSALS
        if kind_class(one.kind).limits.media and not issubclass(kind_class(one.kind), UploadsFirst)
    ],
    ids=lambda one: one.kind,
)
async def test_b2_an_upload_arrives_whole_or_is_refused(stage: Stage, rehearsal: Rehearsal) -> None:
    picture = Media("image", "", "anna ü.png", "image/png", PNG)
    if not rehearsal.takes_uploads:
        with pytest.raises(Unsendable, match=r"\.$"):
            await stage.send(rehearsal, media=picture)
        assert not (await stage.ask("/_/log"))["entries"]
        return
    assert isinstance(await stage.send(rehearsal, media=picture), Accepted)
    entry = await stage.last_entry()
    assert entry["outcome"] == "accepted"
    if rehearsal.logs_parts:
        assert entry["media"] == {
            "kind": "image",
            "name": "anna ü.png",
            "content_type": "image/png",
            "size": len(PNG),
            "sha256": hashlib.sha256(PNG).hexdigest(),
        }


@pytest.mark.parametrize("media", [None, Media("file", "", "a.ods", "application/x-ods", b"ods")])
@pytest.mark.parametrize(
    "rehearsal", [one for one in REHEARSALS if one.logs_parts], ids=lambda one: one.kind
)
async def test_b2_buttons_arrive(stage: Stage, rehearsal: Rehearsal, media: Media | None) -> None:
    if media is not None and not rehearsal.takes_uploads:
        media = Media("image", URL, "anna.png", "image/png")
    buttons = (Button("link", "Look", "https://shop.example/"), Button("reply", "Yes", "story:7"))
    assert isinstance(await stage.send(rehearsal, media=media, buttons=buttons), Accepted)
    entry = await stage.last_entry()
    assert entry["buttons"] == [
        {"kind": "link", "label": "Look", "value": "https://shop.example/"},
        {"kind": "reply", "label": "Yes", "value": "story:7"},
    ]
    assert ("media" in entry) is (media is not None)
