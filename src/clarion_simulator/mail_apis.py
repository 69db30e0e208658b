"""The simulated e-mail APIs, each below a path of its own."""

from clarion_simulator import mailgun, postmark, ses
from clarion_simulator.desk import Desk
from clarion_simulator.wire import Handler


class MailApis:
    """Postmark, Mailgun and Amazon SES."""

    def __init__(self, desk: Desk) -> None:
        self._apis: dict[str, postmark.Postmark | mailgun.Mailgun | ses.Ses] = {
            postmark.PREFIX: postmark.Postmark(desk),
            mailgun.PREFIX: mailgun.Mailgun(desk),
            ses.PREFIX: ses.Ses(desk),
        }

    def serves(self, path: str) -> bool:
        """Whether a path is one of theirs."""
        return path[: path.find("/", 1)] in self._apis

    def handler(self, path: str, query: str) -> Handler:
        """The handler for one address."""
        return self._apis[path[: path.find("/", 1)]].handler(path, query)
