"""A story as one person would get it, block by block, while it is being written."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from clarion.content import media
from clarion.content.errors import LINKS, ContentError, StoryError
from clarion.content.messages import Message
from clarion.content.script import MessageStep, WebhookStep, compile_script

NAMESPACES = ("contact", "data", "memory")


@dataclass(frozen=True, slots=True)
class Shown:
    """One block: a message, or a webhook that will be asked; ``problem``: why it can't be sent,

    and the ``variable`` that this person lacks, if it is that.
    """

    number: int
    message: Message | None = None
    webhook: str = ""  # its address
    problem: str = ""
    variable: str = ""


def preview_story(
    blocks: Sequence[Mapping[str, Any]],
    contact: Mapping[str, Any] | None,
    data: Mapping[str, Any] = MappingProxyType({}),
    code: str = "",
) -> list[Shown]:
    """Every block for itself: one that is wrong hides no other.

    ``blocks`` are as an agent wrote them or as a version keeps them, ``data`` is what is known of
    it already, ``code`` a sample of the codes. What only the sending knows is shown by its name:
    ‹data.order›; so is ‹contact.name› where ``contact`` is None.
    """
    return [_shown(number, block, contact, data, code) for number, block in enumerate(blocks, 1)]


def _shown(
    number: int,
    block: Mapping[str, Any],
    contact: Mapping[str, Any] | None,
    data: Mapping[str, Any],
    code: str,
) -> Shown:
    bare = {name: value for name, value in block.items() if name not in {"keep", "sealed"}}
    try:
        script = compile_script([bare], load=media.glance)
        (step,) = script.steps
        if isinstance(step, WebhookStep):
            return Shown(number, webhook=step.url)
        assert isinstance(step, MessageStep)
        values = promised(script.variables(), lambda name: f"‹{name}›")
        by_name = values.pop("contact")
        values["data"] |= data
        codes = {"code": code} if code else {}
        person = by_name if contact is None else contact
        return Shown(number, step.render(person, **values, **codes))
    except StoryError as error:
        return Shown(number, problem=" ".join(fault.sentence for fault in error.faults))
    except ContentError as error:
        problem = str(error).removeprefix("Block 1: ")
        return Shown(number, problem=problem, variable=error.variable)


def promised(names: Iterable[str], show: Callable[[str], str]) -> dict[str, Any]:
    """For every name under NAMESPACES what ``show`` makes of it, by namespace; and for LINKS."""
    names = set(names)
    values: dict[str, Any] = {namespace: {} for namespace in NAMESPACES}
    values |= {name: show(name) for name in LINKS if name in names}
    # Longest first: what has parts is no value itself.
    for name in sorted(names, key=lambda name: -name.count(".")):
        namespace, *path = name.split(".")
        if namespace not in values or not path:
            continue
        inside = values[namespace]
        for part in path[:-1]:
            inside = inside.setdefault(part, {})
        inside.setdefault(path[-1], show(name))
    return values
