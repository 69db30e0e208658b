"""Twilio's Messaging API subset: messages, the account, a Messaging Service, callbacks.

Codes and forms as https://www.twilio.com/docs/messaging/api and /docs/api/errors give them. As
there: no idempotency; a status callback goes to the URL that the message names, and every callback
is signed with the auth token, which is the password of the login.
"""

import base64
import hmac
import json
import re
import secrets
from functools import partial
from urllib.parse import parse_qs, urlencode

from clarion_simulator.callbacks import Call
from clarion_simulator.desk import Desk
from clarion_simulator.fate import DOINGS, Fate
from clarion_simulator.log import Channel
from clarion_simulator.wire import Connection, Handler, http_reply, json_reply

TEXT_MAX = 1600
_ACCOUNT = re.compile(r"/twilio/2010-04-01/Accounts/(AC[0-9a-fA-F]{32})(/Messages)?\.json")
_SERVICE = re.compile(r"/twilio/v1/Services/(MG[0-9a-fA-F]{32})")
_MARK = re.compile(r"!(failed-)?([0-9]{4,6})$")  # !21610 refuses, !failed-30005 fails later
_FORM = "application/x-www-form-urlencoded"
_CALL = ("call", "ok")
_TOO_FAST, _BAD_LOGIN, _FAILED = 20429, 20003, 30005
_CODES = {"500": 20500, "400": 21211, "blocked": 21610, "deactivated": 21614, "429": _TOO_FAST}
_STATUSES = {20003: 401, 20404: 404, 20429: 429, 20500: 500}
_WORDS = {
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too many requests",
    20500: "Internal server error",
    21211: "The 'To' number is not a valid phone number",
    21602: "Message body is required.",
    21603: "A 'From' or 'MessagingServiceSid' parameter is required to send a message",
    21604: "A 'To' phone number is required.",
    21610: "Attempt to send to unsubscribed recipient",
    21614: "'To' number is not a valid mobile number",
    21617: "The concatenated message body exceeds the 1600 character limit",
}


class Account:
    """One account: its channel in the log, the token that signs, and where people's words go."""

    def __init__(self, sid: str, channel: Channel) -> None:
        self.sid = sid
        self.channel = channel
        self.token = ""  # of the last good login
        self.url = ""  # set at a Messaging Service; else the setting callback_url counts


class Twilio:
    """Serves /twilio/2010-04-01/Accounts/AC….json, …/Messages.json and /twilio/v1/Services/MG…."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.accounts: dict[str, Account] = {}
        self._last = ""  # the account whose login came last; a service's URL does not name one
        self._run = secrets.token_hex(6)
        self._messages = 0

    def handler(self, path: str) -> Handler:
        """The handler for one address."""
        if match := _ACCOUNT.fullmatch(path):
            return partial(self._send if match[2] else self._get_account, self.account(match[1]))
        if _SERVICE.fullmatch(path):
            return self._set_service
        return lambda conn: conn.answer(_error(20404))

    def account(self, sid: str) -> Account:
        """The account of this SID, made when new."""
        account = self.accounts.get(sid)
        if account is None:
            channel = self.desk.log.channel("twilio", sid)
            account = self.accounts[sid] = Account(sid, channel)
        return account

    def write(self, account: Account, sender: str, text: str, url: str = "") -> bool:
        """A person writes to the account's number; False where there is nowhere to report it."""
        url = url or account.url or self.desk.behaviour.callback_url or ""
        if not url:
            return False
        sid = self._next_sid()
        fields = {
            "MessageSid": sid,
            "SmsSid": sid,
            "SmsMessageSid": sid,
            "AccountSid": account.sid,
            "From": f"+{sender.removeprefix('+')}",
            "To": "+15005550006",
            "Body": text,
            "NumMedia": "0",
            "NumSegments": "1",
            "SmsStatus": "received",
            "ApiVersion": "2010-04-01",
        }
        self._tell(account, url, fields, sender)
        return True

    def _tell(
        self, account: Account, url: str, fields: dict[str, str], lane: str, delay: float = 0.0
    ) -> None:
        text = url + "".join(name + fields[name] for name in sorted(fields))
        token = (account.token or self.desk.behaviour.callback_secret or "").encode()
        mac = base64.b64encode(hmac.digest(token, text.encode(), "sha1")).decode()
        headers = f"X-Twilio-Signature: {mac}\r\n"
        call = Call(url, urlencode(fields).encode(), lane, headers=headers, content_type=_FORM)
        self.desk.caller.add(delay, call)

    def _next_sid(self) -> str:
        self._messages += 1
        return f"SM{self._run}{self._messages:020x}"

    def _send(self, account: Account, conn: Connection) -> None:
        desk, channel = self.desk, account.channel
        if not self._log_in(account, conn):
            return
        fields = {name: values[0] for name, values in _fields(conn).items()}
        to, text = fields.get("To", "").removeprefix("+"), fields.get("Body", "")
        if code := _fault_of(fields):
            desk.log.add(channel, ("refused:invalid", "ok"), conn.received, to)
            conn.answer(_error(code))
            return
        key = parse_qs(fields.get("StatusCallback", "").partition("?")[2])
        ours = next(iter(key.values()), [""])[0]
        fate = desk.judge.decide(channel, to, conn.received, conn.spared)
        mark = _MARK.search(to)
        code = 0
        if fate.do in _CODES or fate.do == "rate_limit":
            code = _CODES.get(fate.do, _TOO_FAST)
        elif fate.do == "ok" and mark is not None and not mark[1]:
            code = int(mark[2])
        doing = (f"refused:{code}", "ok") if code and fate.do == "ok" else DOINGS[fate.do]
        desk.log.add(channel, doing, conn.received, to, ours, text)
        if code:
            wait = desk.behaviour.retry_after if code == _TOO_FAST else None
            conn.answer(_error(code, wait), delay=fate.delay)
        elif doing[0] != "accepted":
            conn.act(fate.do, fate.delay, b"")
        else:
            fails = int(mark[2]) if mark is not None and mark[1] else 0
            self._accept(account, conn, fields, ours, fate, fails)

    def _accept(
        self,
        account: Account,
        conn: Connection,
        fields: dict[str, str],
        key: str,
        fate: Fate,
        fails: int,
    ) -> None:
        sid = self._next_sid()
        body = {
            "sid": sid,
            "account_sid": account.sid,
            "status": "accepted" if "MessagingServiceSid" in fields else "queued",
            "to": fields["To"],
            "from": fields.get("From"),
            "body": fields.get("Body", ""),
            "num_segments": "1",
            "error_code": None,
            "error_message": None,
        }
        conn.act(fate.do, fate.delay, json_reply(201, body))
        url = fields.get("StatusCallback") or self.desk.behaviour.callback_url
        if url:
            self._report(account, url, fields["To"], key or sid, sid, fate, fails)

    def _report(
        self, account: Account, url: str, to: str, key: str, sid: str, fate: Fate, fails: int
    ) -> None:
        person = to.removeprefix("+")
        receipts = self.desk.judge.receipts(person, key, "failed" if fails else fate.do)
        plan = [("sent", 0.0), *((each.kind.partition(".")[2], each.delay) for each in receipts)]
        for word, seconds in plan:
            status = "undelivered" if word == "failed" else word
            fields = {
                "MessageSid": sid,
                "SmsSid": sid,
                "AccountSid": account.sid,
                "MessageStatus": status,
                "SmsStatus": status,
                "To": to,
                "From": "+15005550006",
                "ApiVersion": "2010-04-01",
            }
            if status == "undelivered":
                fields["ErrorCode"] = str(fails or _FAILED)
            self._tell(account, url, fields, person, fate.delay + seconds)

    def _get_account(self, account: Account, conn: Connection) -> None:
        """The account itself: what it is."""
        if self._log_in(account, conn):
            self.desk.log.add(account.channel, _CALL, conn.received, "", text="GET")
            name = {"sid": account.sid, "friendly_name": "Clarion simulator"}
            conn.answer(json_reply(200, {**name, "status": "active", "type": "Full"}))

    def _set_service(self, conn: Connection) -> None:
        """Where a Messaging Service sends what people write."""
        account = self.accounts.get(self._last)
        if account is None or not self._log_in(account, conn):
            conn.answer(_error(_BAD_LOGIN))
            return
        account.url = _fields(conn).get("InboundRequestUrl", [""])[0]
        self.desk.log.add(account.channel, _CALL, conn.received, "", text="POST")
        conn.answer(json_reply(200, {"inbound_request_url": account.url}))

    def _log_in(self, account: Account, conn: Connection) -> bool:
        """Whether the login is good; else it is answered and logged."""
        scheme, _, encoded = conn.headers.get(b"authorization", b"").partition(b" ")
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            user = password = ""
        if scheme != b"Basic" or not user or not password or "revoked" in password:
            self.desk.log.add(account.channel, ("refused:401", "ok"), conn.received, "")
            conn.answer(_error(_BAD_LOGIN))
            return False
        if user == account.sid:
            account.token = password
        self._last = account.sid
        return True


def _fields(conn: Connection) -> dict[str, list[str]]:
    return parse_qs(bytes(conn.body).decode("utf-8", "replace"), keep_blank_values=True)


def _fault_of(fields: dict[str, str]) -> int:
    """The code that Twilio refuses these fields with, 0 for none."""
    if not fields.get("To"):
        return 21604
    if not fields.get("From") and not fields.get("MessagingServiceSid"):
        return 21603
    if not fields.get("Body") and not fields.get("MediaUrl"):
        return 21602
    return 21617 if len(fields.get("Body", "")) > TEXT_MAX else 0


def _error(code: int, wait: int | None = None) -> bytes:
    status = _STATUSES.get(code, 400)
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    words = _WORDS.get(code, "Simulated error")
    body = json.dumps({"code": code, "message": words, "more_info": more_info, "status": status})
    return http_reply(status, body, headers="" if wait is None else f"Retry-After: {wait}\r\n")
