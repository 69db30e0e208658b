"""From a message to the submit_sm of its parts."""

from collections.abc import Sequence
from zlib import crc32

from clarion.channels import sms_text
from clarion.channels.contract import Unsendable
from clarion.channels.smpp.config import SmppConfig
from clarion.transport.smpp_pdu import Party, ShortMessage, Tag, pack_message

TEXT_LENGTH = 1530  # characters: ten SMS of the GSM alphabet; phones show longer ones badly
_CODING: dict[sms_text.Encoding, int] = {"gsm7": 0, "ucs2": 8}  # data_coding (5.2.19)
_HAS_HEADER = 0x40  # esm_class (5.2.12): the content begins with a user data header
_REGISTERED = {"all": 1, "none": 0, "failures": 2}  # registered_delivery (5.2.17)


def parts_of(message_id: str, to: str, text: str, config: SmppConfig) -> tuple[bytes, ...]:
    """The bodies of the submit_sm of a text. Raises Unsendable.

    The reference that joins the parts follows from the message's id: a message that is attempted
    again has the same one, so that a phone joins parts of both attempts.
    """
    encoding = sms_text.encoding_of(text)
    pieces = [sms_text.encode(piece, encoding) for piece in sms_text.split(text)]
    if not pieces:
        raise Unsendable("An SMS needs a text.")
    whole = b"".join(pieces)
    if len(pieces) == 1:
        contents: Sequence[tuple[int, bytes, tuple[tuple[int, bytes], ...]]] = [(0, whole, ())]
    elif config.long_messages == "payload":
        contents = [(0, b"", ((Tag.PAYLOAD, whole),))]
    else:
        reference, total = crc32(message_id.encode("utf-8", "replace")), len(pieces)
        divided = _with_headers if config.long_messages == "udh" else _with_parameters
        contents = [
            divided(reference, total, number, piece) for number, piece in enumerate(pieces, 1)
        ]
    source, destination = Party(*config.source, config.sender), Party(*config.destination, to)
    try:
        return tuple(
            pack_message(
                ShortMessage(
                    source, destination, content, config.service_type, esm_class,
                    validity(config.validity_hours), _REGISTERED[config.receipts],
                    _CODING[encoding], optional,
                )
            )
            for esm_class, content, optional in contents
        )  # fmt: skip
    except ValueError:  # an address of more than 20 characters, or not of ASCII
        raise Unsendable("This is not a phone number.") from None


def validity(hours: int) -> str:
    """A validity_period relative to now, “YYMMDDhhmmsstnnR” (7.1.1.2); "" for none."""
    return f"0000{hours // 24:02}{hours % 24:02}0000000R" if hours else ""


def _with_headers(
    reference: int, total: int, number: int, piece: bytes
) -> tuple[int, bytes, tuple[tuple[int, bytes], ...]]:
    """A part with the header of 3GPP TS 23.040, 9.2.3.24.1: a reference of 8 bits."""
    return _HAS_HEADER, bytes((5, 0, 3, reference & 0xFF, total, number)) + piece, ()


def _with_parameters(
    reference: int, total: int, number: int, piece: bytes
) -> tuple[int, bytes, tuple[tuple[int, bytes], ...]]:
    """A part with the parameters of SMPP 3.4, 5.3.2.22 to 24."""
    parameters = (
        (int(Tag.SAR_REFERENCE), (reference & 0xFFFF).to_bytes(2, "big")),
        (int(Tag.SAR_TOTAL), bytes((total,))),
        (int(Tag.SAR_NUMBER), bytes((number,))),
    )
    return 0, piece, parameters
