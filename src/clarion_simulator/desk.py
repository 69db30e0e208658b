"""What the three protocols share: the behaviour in force, the judge, the log, the caller."""

from clarion_simulator.behaviour import Behaviour
from clarion_simulator.callbacks import Caller
from clarion_simulator.fate import Judge
from clarion_simulator.log import Log


class Desk:
    """The shared state of one simulator."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.judge = Judge(behaviour)
        self.log = Log()
        self.caller = Caller()
        self.use(behaviour)

    def use(self, behaviour: Behaviour) -> None:
        """Put another behaviour in force, from the next request on."""
        self.behaviour = behaviour
        self.judge.use(behaviour)
        self.log.keep_text = behaviour.keep_text
