"""What is typed on the page of a story, parsed; and the changes to its blocks that one asks for."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from clarion.content import media
from clarion.content.errors import CODE, CODE_IS, ContentError, StoryError
from clarion.content.formats import TEXT
from clarion.content.models import StoryVersion, Upload
from clarion.content.rendering import unknown_variables
from clarion.content.stories import StoryConflict
from clarion.kit import ids
from clarion.web.wrong import Wrong

MOST_TYPED = 40  # blocks that a page may send, removed ones included
FIELDS = {
    "text": ("text", "format"),
    "image": ("url", "media", "caption", "format"),
    "file": ("url", "media", "name", "caption", "format"),
    "buttons": ("text", "format"),
    "webhook": ("url", "secret", "timeout"),
}
BUTTON_KINDS = ("link", "reply", "story")
_CHOSEN = ("timeout", "format")  # they have a value before anything is typed
_HOLD_VARIABLES = ("text", "url", "caption")


@dataclass(slots=True)
class ButtonFields:
    """One button as it is typed. ``key`` tells it from the others while they move."""

    key: str
    kind: str = "link"
    label: str = ""
    value: str = ""
    removed: bool = False
    problems: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class BlockFields:
    """One block as it is typed. A removed one stays in its place until the story is saved."""

    key: str  # "v3b2" for block 2 of version 3, "n…" for a new one
    kind: str
    values: dict[str, str] = field(default_factory=dict)
    buttons: list[ButtonFields] = field(default_factory=list)
    allow_private: bool = False
    sealed: bool = False  # a secret is kept
    drop_secret: bool = False
    removed: bool = False
    upload: Upload | None = None
    problems: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # what is no fault, but should be looked at
    number: int = 0  # its place among those that are not removed
    file_id: str = ""  # changes when a chosen file was refused, so that it is not sent again

    def raw(self) -> dict[str, Any]:
        """The block as ``content.stories`` takes it."""
        block: dict[str, Any] = {"kind": self.kind}
        block.update({name: self.values.get(name, "") for name in FIELDS.get(self.kind, ())})
        if "format" in block:
            block["format"] = block["format"] or TEXT
        if self.kind == "buttons":
            block["buttons"] = [
                {"kind": button.kind, "label": button.label, "value": button.value}
                for button in self.standing_buttons
            ]
        if self.kind == "webhook":
            block["timeout"] = self.values.get("timeout") or 10
            block["allow_private"] = self.allow_private
            if self.key.startswith("v") and not self.drop_secret:
                block["keep"] = self.key[1:].replace("b", ".")
        return block

    @property
    def blank(self) -> bool:
        """Whether nothing is typed in it yet."""
        texts = [value for name, value in self.values.items() if name not in _CHOSEN]
        return not any(texts + [part for b in self.buttons for part in (b.label, b.value)])

    @property
    def standing_buttons(self) -> list[ButtonFields]:
        """The buttons that are not removed."""
        return [button for button in self.buttons if not button.removed]

    def add_button(self, kind: str) -> None:
        """Add an empty button below the others."""
        self.buttons.append(ButtonFields(_fresh_key(), kind))


@dataclass(slots=True)
class StoryForm:
    """The page of a story as it stands."""

    name: str = ""
    number: int = 0  # the version that is edited; 0 for a new story
    blocks: list[BlockFields] = field(default_factory=list)
    preview_address: str = ""  # id of the address that the preview is for
    q: str = ""  # who is looked for
    tried: bool = False  # saving was tried: say what is still empty, too
    problems: dict[str, str] = field(default_factory=dict)
    conflict: StoryVersion | None = None

    @property
    def standing(self) -> list[BlockFields]:
        """The blocks that are not removed."""
        return [block for block in self.blocks if not block.removed]

    @property
    def wrong(self) -> list[Wrong]:
        """All that is wrong, from the top of the page down."""
        listed = [
            Wrong(sentence, "name" if name == "name" else "story-add")
            for name, sentence in self.problems.items()
        ]
        for block in self.standing:
            where = _("Block %(number)d: %(sentence)s")
            faults = [(f"{block.key}-{name}", text) for name, text in block.problems.items()]
            for button in block.standing_buttons:
                faults += [(f"{button.key}-{name}", text) for name, text in button.problems.items()]
            listed += [
                Wrong(where % {"number": block.number, "sentence": sentence}, control)
                for control, sentence in faults
            ]
        return listed

    def count(self) -> None:
        """Give the blocks their numbers."""
        for number, block in enumerate(self.standing, 1):
            block.number = number

    def raw(self) -> list[dict[str, Any]]:
        """The blocks as ``content.stories`` takes them."""
        return [block.raw() for block in self.standing]

    def refuse(self, error: StoryError) -> None:
        """Put what is wrong beside its field; what is merely empty only once saving was tried."""
        if isinstance(error, StoryConflict):
            self.conflict = error.newest
            return
        standing = self.standing
        for fault in error.faults:
            if not fault.block:
                self.problems[fault.field or "blocks"] = fault.sentence
                continue
            self._place(standing[fault.block - 1], fault.field, fault.sentence)

    def _place(self, block: BlockFields, name: str, sentence: str) -> None:
        parts = name.split(".")
        if len(parts) == 3:
            button = block.standing_buttons[int(parts[1])]
            texts = {"label": button.label, "value": button.value}
            if self.tried or texts.get(parts[2]):
                button.problems[parts[2]] = sentence
        elif self.tried or block.values.get(name):
            block.problems.setdefault("url" if name == "media" else name, sentence)

    def note_unknown(self, variables: set[str]) -> None:
        """Note variables that no contact has. Not a fault: a broadcast may bring them as data."""
        free = {"data"}
        for block in self.standing:
            if block.kind == "webhook":
                free.add("memory")
                continue
            sources = [block.values.get(name, "") for name in _HOLD_VARIABLES]
            sources += [part for b in block.standing_buttons for part in (b.label, b.value)]
            names = [name for source in sources for name in _unknown(source, variables, free)]
            block.notes = [_note(name) for name in dict.fromkeys(names)]

    def act(self, wanted: str) -> str:
        """Do what a button of the page asks for; return the id of what should get the focus."""
        verb, _colon, about = wanted.partition(":")
        key, _colon, more = about.partition(":")
        if verb == "add" and key in FIELDS:
            return self._add(key)
        if verb == "preview":
            self.preview_address, self.q = key, ""
            return ""
        index = next((i for i, block in enumerate(self.blocks) if block.key == key), None)
        if index is None:
            return ""
        block = self.blocks[index]
        match verb:
            case "up" | "down":
                self._move(index, -1 if verb == "up" else 1)
                return f"{key}-{verb}"
            case "remove" | "back":
                block.removed = verb == "remove"
                return f"{key}-back" if block.removed else f"block-{key}"
            case "drop-upload":
                block.values["media"], block.upload = "", None
                return f"{key}-url"
            case "add-button" if more in BUTTON_KINDS:
                block.add_button(more)
                return f"{block.buttons[-1].key}-label"
            case "remove-button" | "back-button":
                return _set_removed(block, more, removed=verb == "remove-button")
        return ""

    def _add(self, kind: str) -> str:
        block = BlockFields(_fresh_key(), kind)
        if kind == "buttons":
            block.add_button("link")
        self.blocks.append(block)
        return f"block-{block.key}"

    def _move(self, index: int, by: int) -> None:
        """Past the next block that is still there; removed ones are no step of their own."""
        to = index + by
        while 0 <= to < len(self.blocks) and self.blocks[to].removed:
            to += by
        if 0 <= to < len(self.blocks):
            self.blocks.insert(to, self.blocks.pop(index))


def _set_removed(block: BlockFields, key: str, *, removed: bool) -> str:
    for button in block.buttons:
        if button.key == key:
            button.removed = removed
            return f"{key}-back" if removed else f"{key}-label"
    return ""


def from_version(version: StoryVersion, number: int) -> StoryForm:
    """The page for a version that was saved; ``number`` is the newest one's."""
    form = StoryForm(name=version.story.name, number=number)
    for index, stored in enumerate(version.blocks, 1):
        form.blocks.append(_from_stored(f"v{version.number}b{index}", stored))
    return form


def _from_stored(key: str, stored: dict[str, Any]) -> BlockFields:
    block = BlockFields(key, stored["kind"], file_id=f"{key}-file")
    block.values = {name: str(stored.get(name, "")) for name in FIELDS[block.kind]}
    block.allow_private = bool(stored.get("allow_private"))
    block.sealed = "sealed" in stored
    for number, button in enumerate(stored.get("buttons", []), 1):
        block.buttons.append(
            ButtonFields(f"{key}c{number}", button["kind"], button["label"], button["value"])
        )
    if block.kind == "webhook":
        block.values["timeout"] = f"{float(stored['timeout']):g}"
    _find_upload(block)
    return block


def from_post(data: QueryDict, files: "MultiValueDict[str, UploadedFile[bytes]]") -> StoryForm:
    """The page as it was sent; chosen files are kept at once."""
    form = StoryForm(
        name=_typed(data, "name"),
        number=_number(data.get("number", "")),
        preview_address=data.get("preview_address", ""),
        q=_typed(data, "q").strip()[:100],
        tried=data.get("tried") == "yes",
    )
    for key in dict.fromkeys(data.getlist("block")[:MOST_TYPED]):
        kind = data.get(f"{key}-kind", "")
        if kind in FIELDS and _is_key(key):
            form.blocks.append(_block_from(key, kind, data, files))
    return form


def _block_from(
    key: str, kind: str, data: QueryDict, files: "MultiValueDict[str, UploadedFile[bytes]]"
) -> BlockFields:
    block = BlockFields(key, kind, file_id=f"{key}-file")
    block.values = {name: _typed(data, f"{key}-{name}") for name in FIELDS[kind]}
    block.allow_private = data.get(f"{key}-allow_private") == "on"
    block.sealed = data.get(f"{key}-sealed") == "yes"
    block.drop_secret = data.get(f"{key}-drop_secret") == "on"
    block.removed = data.get(f"{key}-removed") == "yes"
    for button in dict.fromkeys(data.getlist(f"{key}-button")[:MOST_TYPED]):
        if kind == "buttons" and _is_key(button):
            block.buttons.append(_button_from(button, data))
    _find_upload(block)
    if (upload := files.get(f"{key}-file")) and upload.name:
        _take(block, upload)
    return block


def _button_from(key: str, data: QueryDict) -> ButtonFields:
    kind = data.get(f"{key}-kind", "")
    return ButtonFields(
        key,
        kind if kind in BUTTON_KINDS else "link",
        _typed(data, f"{key}-label"),
        _typed(data, f"{key}-value"),
        removed=data.get(f"{key}-removed") == "yes",
    )


def _take(block: BlockFields, upload: "UploadedFile[bytes]") -> None:
    try:
        row = media.save_upload(
            upload.name or "",
            upload.content_type or "",
            upload.chunks(),
            image=block.kind == "image",
        )
    except ContentError as error:
        block.problems["file"] = str(error)
        block.file_id = f"{block.key}-file-{ids.token(6)}"
        return
    block.values["media"], block.values["url"], block.upload = row.token, "", row


def _find_upload(block: BlockFields) -> None:
    if token := block.values.get("media"):
        block.upload = Upload.objects.filter(token=token[:16]).first()
        if block.upload is None:
            block.values["media"] = ""
            block.problems["file"] = _("That upload is no longer available. Upload the file again.")


def _note(name: str) -> str:
    """What is to be said of a variable that no contact has."""
    if name == CODE:
        return CODE_IS
    sentence = _("No contact has “%(name)s”. Correct the name, or add a default: %(example)s.")
    return sentence % {"name": name, "example": f'{{{{ {name} | default("…") }}}}'}


def _unknown(source: str, variables: set[str], free: set[str]) -> Iterator[str]:
    try:
        yield from unknown_variables(source, variables, free)
    except ContentError:
        return  # it is said beside the field already


def _typed(data: QueryDict, name: str) -> str:
    # PostgreSQL stores no NUL; nobody can type one.
    return data.get(name, "").replace("\x00", "").replace("\r\n", "\n")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _is_key(key: str) -> bool:
    return key.isascii() and key.isalnum() and len(key) <= 30


def _fresh_key() -> str:
    return f"n{ids.token(8)}"
