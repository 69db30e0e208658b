"""What a deliver_sm or data_sm tells: SMPP 3.4, 4.6, and appendix B for the text of a receipt."""

import hashlib
import re

from clarion.channels import phone_ids, sms_text
from clarion.channels.contract import (
    BadIdError,
    Event,
    HookRequest,
    Ignored,
    Inbound,
    InboundPart,
    Receipt,
)
from clarion.channels.keywords import with_requested_state
from clarion.channels.smpp.config import SmppConfig
from clarion.channels.smpp.ids import answered_id, receipted_id
from clarion.channels.wording import tidy
from clarion.transport.smpp_pdu import (
    BadPdu,
    Command,
    Party,
    ShortMessage,
    Tag,
    parse_message,
    parse_pdu,
)

_TYPE, _RECEIPT, _DEFAULT = 0x3C, 0x04, 0x00  # message types in esm_class (5.2.12)
_HAS_HEADER = 0x40
_INTERNATIONAL = 1
_FIELD = re.compile(r"\b(id|stat|err):\s*(\S+)", re.IGNORECASE)
# message_state (5.2.28), and how the text of a receipt writes it.
_STATES = {
    1: "ENROUTE", 2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 6: "ACCEPTD",
    7: "UNKNOWN", 8: "REJECTD",
}  # fmt: skip
_SPELLINGS = {
    "DELIVERED": "DELIVRD",
    "REJECTED": "REJECTD",
    "UNDELIVERED": "UNDELIV",
}
_FAILED = {
    "EXPIRED": "The phone was not reached before the message expired.",
    "DELETED": "The provider deleted the message.",
    "UNDELIV": "The message could not be delivered.",
    "REJECTD": "The network rejected the message.",
}
_NOT_FINAL = Ignored("A receipt about a message that is still under way is not used.")
_NOT_READABLE = Ignored("A receipt without a message id or without a state is not used.")
_OTHER_TYPE = Ignored("A message between the provider and phones is not used.")
_NOT_A_PHONE = Ignored("A message from a sender that is not a phone number is not used.")
_BINARY = Ignored("A message that is not a text is not used.")
_EMPTY = Ignored("An empty message is not used.")


def events_of(hook: HookRequest, config: SmppConfig) -> list[Event]:
    """The events of one packet. Raises ValueError with a sentence when it is none."""
    try:
        pdu = parse_pdu(hook.body)
        if pdu.command not in (Command.DELIVER_SM, Command.DATA_SM):
            raise BadPdu("it is another one")
        message = parse_message(pdu)
    except BadPdu:
        raise ValueError("The packet is not a deliver_sm or data_sm.") from None
    kind = message.esm_class & _TYPE
    if kind == _RECEIPT or (kind == _DEFAULT and message.option(Tag.RECEIPTED_ID) is not None):
        return [_receipt(message, hook, config)]
    if kind != _DEFAULT:
        return [_OTHER_TYPE]
    return _written(message, hook, config)


def _receipt(message: ShortMessage, hook: HookRequest, config: SmppConfig) -> Event:
    """A receipt, by its optional parameters as far as it has them, else by its text."""
    text = sms_text.decode(message.octets, "gsm7")
    fields = {match[1].lower(): match[2] for match in reversed(list(_FIELD.finditer(text)))}
    named = message.option(Tag.RECEIPTED_ID)
    external_id = (
        answered_id(named.partition(b"\0")[0].decode("latin-1"), config.receipt_ids)
        if named
        else receipted_id(fields.get("id", ""), config.receipt_ids)
    )
    state = _STATES.get((message.option(Tag.MESSAGE_STATE) or b"\0")[0])
    if not state:
        word = fields.get("stat", "").upper()
        state = _SPELLINGS.get(word, word[:7])
    if not external_id.isprintable() or not external_id or not state:
        return _NOT_READABLE
    if state == "DELIVRD":
        return Receipt("delivered", hook.received_at, external_id)
    if state not in _FAILED:
        return _NOT_FINAL
    error = fields.get("err", "")
    code = tidy(f"{state} {error}" if error.strip("0") else state)[:60]
    return Receipt("failed", hook.received_at, external_id, reason=_FAILED[state], code=code)


def _written(message: ShortMessage, hook: HookRequest, config: SmppConfig) -> list[Event]:
    sender = _number(message.source, config.country)
    if not sender:
        return [_NOT_A_PHONE]
    content, joined = _without_header(message)
    coding = message.data_coding
    if coding in (2, 4) or (coding & 0xF0 == 0xF0 and coding & 0x04):  # 8 bits (5.2.19)
        return [_BINARY]
    text = _text(content, coding)
    # No provider gives an id. One that repeats a packet, because our answer was lost, writes the
    # same message once more.
    stamp = f"{hook.received_at.timestamp()} ".encode()
    external_id = hashlib.sha256(stamp + hook.body).hexdigest()[:32]
    if joined is None:
        text = text.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "replace")
        if not text:
            return [_EMPTY]
        return with_requested_state(Inbound(sender, external_id, text, hook.received_at))
    reference, total, number = joined
    return [
        InboundPart(
            sender, external_id, f"{message.destination.address[:21]} {reference} {total}",
            number, total, text.encode("utf-16-be", "surrogatepass"), hook.received_at,
        )
    ]  # fmt: skip


def _number(party: Party, country: str) -> str:
    """A sender as user ids are written; "" for one that can't be."""
    address = party.address.strip()
    forms = [f"+{address}"] if party.ton == _INTERNATIONAL else [address, f"+{address}"]
    for form in forms:
        try:
            return phone_ids.phone_number(form.replace("++", "+"), country)
        except BadIdError:
            continue
    return ""


def _without_header(message: ShortMessage) -> tuple[bytes, tuple[str, int, int] | None]:
    """The content without its user data header, and of a part its reference, total and number."""
    content, joined = message.octets, None
    if message.esm_class & _HAS_HEADER and content:
        header, content = content[1 : 1 + content[0]], content[1 + content[0] :]
        joined = _in_header(header)
    total, number = message.option(Tag.SAR_TOTAL), message.option(Tag.SAR_NUMBER)
    reference = message.option(Tag.SAR_REFERENCE)
    if joined is None and reference and total and number:
        joined = f"sar{int.from_bytes(reference[-2:], 'big')}", total[-1], number[-1]
    if joined is None or not 1 <= joined[2] <= joined[1] or joined[1] == 1:
        return content, None
    return content, joined


def _in_header(header: bytes) -> tuple[str, int, int] | None:
    """Reference, total and number in a user data header (3GPP TS 23.040, 9.2.3.24.1 and .8)."""
    while len(header) >= 2:
        element, data = header[0], header[2 : 2 + header[1]]
        if element == 0x00 and len(data) == 3:
            return str(data[0]), data[1], data[2]
        if element == 0x08 and len(data) == 4:
            return f"w{int.from_bytes(data[:2], 'big')}", data[2], data[3]
        header = header[2 + header[1] :]
    return None


def _text(content: bytes, coding: int) -> str:
    """The text of a message. UTF-16 may end with half a character, the other half being in the
    next part."""
    if coding == 8:
        whole = content[: len(content) // 2 * 2]
        text = whole.decode("utf-16-be", "surrogatepass")
    elif coding in (1, 3):
        text = content.decode("latin-1")
    else:
        text = sms_text.decode(content, "gsm7")
    return text.replace("\0", "")
