"""What one delivery needs next: a message, an answer of its story's webhook, or nothing more.

A delivery of several messages goes through the queue once for each of them: so every message has
a slot of its own, they leave in order, and a crash leaves at most the one in flight in doubt. What
has left and what webhooks answered is kept in the delivery's progress.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from clarion.broadcasts.mail import MAIL_FIELDS
from clarion.channels.contract import Limits, Outgoing, Template
from clarion.channels.mailing.files import content_id_of
from clarion.clicks.tokens import image_url
from clarion.consents.preferences import PREFERENCES
from clarion.contacts.attribute_types import WrongValueError
from clarion.contacts.attribute_values import fitting
from clarion.contacts.unsubscribe import UNSUBSCRIBE, unsubscribe_url
from clarion.content.answers import parse_answer
from clarion.content.errors import OF_TITLE, ContentError
from clarion.content.media import hold
from clarion.content.messages import Message, message_from
from clarion.content.rendering import Text
from clarion.content.script import WebhookStep
from clarion.engine.claim import Claimed
from clarion.engine.snapshot import Job
from clarion.kit.parts import Mail, Media
from clarion.kit.text import flat, one_line
from clarion.records.message_ids import message_id, question_id
from clarion.records.progress import Progress
from clarion.transport.messages import HttpReply, HttpRequest

# What a person sees of a message begins with the parts of its head that are their own, each as
# “[subject: …]” on a line.
_HEADS: Final = {
    "title": "[subject: ",
    "from_name": "[from: ",
    "reply_to": "[reply to: ",
    "preheader": "[preheader: ",
}


@dataclass(slots=True)  # one for every message, see Outgoing
class MessageStep:
    """A message is next."""

    outgoing: Outgoing
    shown: str  # what the person sees of it
    last: bool  # whether the delivery is completed by it


@dataclass(frozen=True, slots=True)
class QuestionStep:
    """The story's webhook has to be asked first."""

    request: HttpRequest
    step: int
    types: Mapping[str, str]  # of the attributes that are declared

    def answered(self, progress: Progress, reply: HttpReply) -> tuple[Progress, dict[str, Any]]:
        """The progress with its answer, and the attributes that it sets.

        Raises ContentError for an answer that can't be used.
        """
        answer = parse_answer(reply.body)
        try:
            attributes = fitting(answer.attributes, self.types)
        except WrongValueError as error:
            raise ContentError(f"The webhook's answer can't set attributes. {error}") from None
        after = replace(
            progress,
            answers={**progress.answers, str(self.step): answer.responses},
            memory={**progress.memory, **answer.memory},
        )
        return after, attributes


@dataclass(frozen=True, slots=True)
class NothingLeft:
    """Every message has left; a story whose webhook answered none may have had no message."""


_PREFIXES: Final = {"title": OF_TITLE, **MAIL_FIELDS}
NextStep = MessageStep | QuestionStep | NothingLeft


def next_step(claimed: Claimed, job: Job, limits: Limits) -> NextStep:
    """What is next for a claimed delivery on a channel with these limits.

    Raises ContentError when it can't be rendered, UnreadableUploadError when a file of it can't be
    read on this machine now.
    """
    if job.broken:
        raise ContentError(job.broken)
    titled, mail, formats = limits.titled, limits.mail, limits.formats
    if not titled and not mail:
        return _next_step(claimed, job, formats)
    head, own = {}, ""
    for name, text in _head(job, titled=titled, mail=mail):
        head[name] = line = _line(text, _PREFIXES[name], claimed, job)
        if line and not text.fixed:
            own += f"{_HEADS[name]}{line}]\n"
    step = (
        _with_page(claimed, job)
        if mail and job.page is not None
        else _next_step(claimed, job, formats)
    )
    if isinstance(step, MessageStep):
        _put_head(step.outgoing, head, _image(claimed, job, mail=mail))
        if mail:
            _put_files(step.outgoing, job)
        step.shown = own + step.shown
    return step


def plain_step(claimed: Claimed, job: Job, shown: str, limits: Limits) -> MessageStep:
    """The step of a text again, from what it was shown as; the inverse of ``next_step``."""
    head, text = {}, shown
    for name, template in _head(job, titled=limits.titled, mail=limits.mail):
        if template.fixed:
            head[name] = template.source
        elif text.startswith(_HEADS[name]):
            head[name], _, text = text.removeprefix(_HEADS[name]).partition("]\n")
    outgoing = _outgoing(claimed, job, text)
    outgoing.format = job.format if job.format in limits.formats else ""
    _put_head(outgoing, head, _image(claimed, job, mail=limits.mail))
    if limits.mail:
        _put_files(outgoing, job)
    return MessageStep(outgoing, shown, last=True)


def _head(job: Job, *, titled: bool, mail: bool) -> list[tuple[str, Text]]:
    """The templates above the content that the receiver sees, in the order of ``_HEADS``."""
    templates = {"title": job.title} if titled else {}
    if mail:
        templates |= job.mail
    return [(name, templates[name]) for name in _HEADS if name in templates]


def _put_head(outgoing: Outgoing, head: Mapping[str, str], image: str) -> None:
    """Give a message what ``_head`` was filled in to, and an e-mail the image that is counted."""
    outgoing.title = head.get("title", "")
    of_mail = {name: line for name, line in head.items() if name != "title"}
    if of_mail or image:
        outgoing.mail = outgoing.mail or Mail()
        outgoing.mail.image = image
        for name, line in of_mail.items():
            setattr(outgoing.mail, name, line)


def _image(claimed: Claimed, job: Job, *, mail: bool) -> str:
    return image_url(claimed.delivery) if mail and job.counts_opens else ""


def _put_files(outgoing: Outgoing, job: Job) -> None:
    """Give an e-mail its attachments and pictures. Raises UnreadableUploadError."""
    if job.inline and outgoing.media is not None and outgoing.media.size:
        outgoing.media = replace(outgoing.media, url="")
    if job.attachments or job.images:
        outgoing.mail = outgoing.mail or Mail()
        outgoing.mail.attachments = _files(job, job.attachments)
        outgoing.mail.images = tuple(map(_by_content_id, _files(job, job.images)))


def _files(job: Job, uploads: Iterable[Media]) -> tuple[Media, ...]:
    return tuple(hold(upload) if job.reads_files else upload for upload in uploads)


def _by_content_id(media: Media) -> Media:
    return replace(media, content_id=content_id_of(media))


def _next_step(claimed: Claimed, job: Job, formats: Collection[str]) -> NextStep:
    if job.script is not None:
        return _of_story(claimed, job, formats)
    if job.template is not None:
        return _of_template(claimed, job)
    text = job.text.render(claimed.contact, **text_values(claimed, job))
    if job.format:
        message = Message(text, format=job.format).fitted(formats)
        outgoing = _outgoing(claimed, job, message.text)
        outgoing.format = message.format
        return MessageStep(outgoing, message.text, last=True)
    if job.tracking is not None:
        text = job.tracking.fill(text, claimed.delivery)
    return MessageStep(_outgoing(claimed, job, text), text, last=True)


def _with_page(claimed: Claimed, job: Job) -> MessageStep:
    """An e-mail whose HTML is no form of its text."""
    assert job.page is not None
    assert job.page_text is not None
    values = text_values(claimed, job)
    html = job.page.render(claimed.contact, **values)
    text = job.page_text.render(claimed.contact, **values)
    if job.tracking is not None:
        html = job.tracking.fill(html, claimed.delivery, html=True)
        text = job.tracking.fill(text, claimed.delivery)
    outgoing = _outgoing(claimed, job, text)
    outgoing.mail = Mail(html)
    return MessageStep(outgoing, text, last=True)


def _line(text: Text, prefix: str, claimed: Claimed, job: Job) -> str:
    """A template of one line, filled in. ``prefix`` begins the sentence of what is wrong."""
    if text.fixed:
        return text.source
    try:
        return one_line(text.render(claimed.contact, **text_values(claimed, job)))
    except ContentError as error:
        raise error.within(prefix) from None


_LINKS: Final[dict[str, Callable[[int], str]]] = {
    "preferences_url": PREFERENCES.url,
    "unsubscribe_url": UNSUBSCRIBE.url,
}


def text_values(claimed: Claimed, job: Job) -> dict[str, Any]:
    """What a text sees beside the contact."""
    values: dict[str, Any] = {"data": _data(claimed, job)}
    if code := claimed.code or job.sample_code:
        values["code"] = code
    for name in job.links:
        values[name] = _LINKS[name](claimed.address)
    return values


def _data(claimed: Claimed, job: Job) -> dict[str, Any]:
    return {**job.data, **claimed.progress.data} if claimed.progress.data else job.data


def _of_template(claimed: Claimed, job: Job) -> MessageStep:
    assert job.template is not None
    name, language, texts, where, category = job.template
    values = text_values(claimed, job)
    variables = tuple(flat(text.render(claimed.contact, **values)) for text in texts)
    outgoing = _outgoing(claimed, job, "")
    outgoing.template = Template(name, language, variables, where, category)
    return MessageStep(outgoing, "\n".join([f"{name} ({language})", *variables]), last=True)


def _of_story(claimed: Claimed, job: Job, formats: Collection[str]) -> NextStep:
    assert job.script is not None
    progress = claimed.progress
    number = progress.sent
    before = 0  # messages of the steps gone through
    for index, step in enumerate(job.script.steps):
        if isinstance(step, WebhookStep):
            answer = progress.answers.get(str(index))
            if answer is None:
                return question_step(claimed, job, index)
            if number < before + len(answer):
                message = message_from(answer[number - before]).fitted(formats)
                return _message_step(claimed, job, message, index, last_of_step=number + 1 - before)
            before += len(answer)
        else:
            if number == before:
                message = step.render(
                    claimed.contact, memory=progress.memory, **text_values(claimed, job)
                )
                message = message.fitted(formats)
                return _message_step(claimed, job, message, index, last_of_step=1)
            before += 1
    return NothingLeft()


def _message_step(
    claimed: Claimed, job: Job, message: Message, index: int, *, last_of_step: int
) -> MessageStep:
    assert job.script is not None
    if job.tracking is not None:
        message = job.tracking.fill_message(message, claimed.delivery)
    answers = claimed.progress.answers.get(str(index), [None])
    rest = len(job.script.steps) - index - 1 + len(answers) - last_of_step
    outgoing = _outgoing(claimed, job, message.text, claimed.progress.sent)
    outgoing.media, outgoing.buttons = message.media, message.buttons
    if message.media is not None and message.media.token and job.reads_files:
        outgoing.media = hold(message.media)
    outgoing.format = message.format
    return MessageStep(outgoing, message.shown(), last=rest == 0)


def question_step(claimed: Claimed, job: Job, index: int) -> QuestionStep:
    """What the step ``index`` of the story, a webhook, is asked for a delivery."""
    assert job.script is not None
    step = job.script.steps[index]
    assert isinstance(step, WebhookStep)
    key = question_id(job.key, claimed.delivery, index)
    body = step.body(
        {
            "id": key,
            "broadcast": job.id,
            "to": claimed.to,
            "contact": claimed.contact,
            "data": _data(claimed, job),
            "memory": dict(claimed.progress.memory),
            **({"code": claimed.code} if isinstance(claimed.code, str) else {}),
            "story": job.story,
        }
    )
    request = HttpRequest(
        "POST",
        step.url,
        step.headers(body, key),
        body,
        timeout=step.timeout,
        allow_private=step.allow_private,
    )
    return QuestionStep(request, index, job.types)


def _outgoing(claimed: Claimed, job: Job, text: str, number: int = 0) -> Outgoing:
    return Outgoing(
        message_id(job.key, claimed.delivery, number),
        claimed.broadcast,
        claimed.to,
        text,
        name=str(claimed.contact.get("name", "")),
        language=str(claimed.contact.get("language", "")) or job.language,
        unsubscribe_url=unsubscribe_url(claimed.address),
        purpose=job.purpose,
    )
