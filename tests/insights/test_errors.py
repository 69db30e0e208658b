"""Errors in plain words: class, sentence and advice of each."""

import pytest

from clarion.channels.catalogue import ListedError, advice_on, errors_of
from clarion.channels.contract import Refusal
from clarion.channels.registry import KINDS
from clarion.channels.smpp.errors import STATUSES
from clarion.engine import reap
from clarion.engine.attempt import CONTENT, FAULT, STORY_WEBHOOK
from clarion.engine.claim import claim
from clarion.engine.no_reply import MAYBE_SENT, NOT_SENT
from clarion.engine.settle import settle
from clarion.insights.errors import About, explain, explain_wording, explained_causes
from support import factory

LISTED = [
    pytest.param(error, id=f"{name}: {error.code}")
    for name, kind in KINDS.items()
    for error in errors_of(kind)
]


@pytest.mark.parametrize("error", LISTED)
def test_every_listed_error_has_a_class_a_sentence_and_advice(error: ListedError) -> None:
    explained = explain("?", error.refusal.value, error.sentence)

    assert error.code
    assert error.sentence[0].isupper()
    assert error.sentence.endswith(".")
    assert explained.about is not About.UNKNOWN
    assert explained.words
    assert explained.advice.endswith(".")
    assert explained.advice == advice_on(error.refusal, error.mark)


def test_which_errors_pause_the_broadcast() -> None:
    pausing = {
        error.code for kind in KINDS.values() for error in errors_of(kind) if error.for_everybody
    }
    assert pausing == {"132001", "132015", "132016", "can't parse entities"}


def test_every_kind_lists_its_errors() -> None:
    assert [name for name, kind in KINDS.items() if not errors_of(kind)] == []


def test_advice_is_about_what_marked_the_contact() -> None:
    blocked = explain("403", "unreachable", "The contact blocked the bot.")
    gone = explain("user_disabled", "unreachable", "The contact's Slack account is deactivated.")
    stopped = explain("21610", "unreachable", "The contact opted out by replying STOP.")
    assert "Only the contact" in blocked.advice
    assert "no longer exists" in gone.advice
    assert blocked.advice not in (gone.advice, stopped.advice)


def test_words_of_a_provider_behind_a_sentence_change_no_advice() -> None:
    sentence = STATUSES[0x0B].sentence
    assert explain("0x0b", "unreachable", f"{sentence} (no such number).") == explain(
        "0x0b", "unreachable", f"{sentence}."
    )


def test_every_class_of_the_engine_says_what_it_is_about() -> None:
    abouts = {refusal: explain("x", refusal.value).about for refusal in Refusal}
    assert About.UNKNOWN not in abouts.values()
    assert abouts[Refusal.UNREACHABLE] is About.PERSON
    assert abouts[Refusal.REJECTED] is About.MESSAGE
    assert abouts[Refusal.MISCONFIGURED] is About.CHANNEL
    assert abouts[Refusal.RETRY] is About.LATER


def test_what_the_engine_finds_itself_has_advice_of_its_own() -> None:
    codes = (NOT_SENT, MAYBE_SENT, CONTENT, FAULT, STORY_WEBHOOK, reap.DIED[0])
    advice = {explain(code, "rejected").advice for code in codes}
    assert len(advice) == len(codes)
    assert explain("no such code", "rejected").advice not in advice


def test_an_unknown_code_falls_to_a_truthful_default() -> None:
    explained = explain("31415", "")
    assert (explained.about, explained.words) == (About.UNKNOWN, "Unknown problem")
    assert "gave no reason that Clarion knows" in explained.advice


@pytest.mark.django_db
def test_the_class_is_the_one_that_the_engine_acted_on() -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    broadcast = factory.sending([channel])
    worker = reap.register()
    gone, bad = claim(channel.pk, worker, 2).messages
    settle(
        worker,
        [
            factory.outcome(
                gone, channel, "failed", reason="Gone.", code="403", refusal="unreachable"
            ),
            factory.outcome(bad, channel, "failed", reason="Bad.", code="400", refusal="rejected"),
        ],
    )

    abouts = {row.cause.text: row.explained.about for row in explained_causes(broadcast.pk)}
    assert abouts == {"Gone.": About.PERSON, "Bad.": About.MESSAGE}
    assert explain_wording("403", "Gone.").about is About.PERSON
