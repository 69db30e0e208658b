"""To how many people a broadcast goes that meets a trap: nothing may depend on it."""

import os
from typing import Final

FEW: Final = 3
# `make traps` sends to 3,000.
MANY: Final = int(os.environ.get("CLARION_TEST_PEOPLE", "1000"))
EACH_SIZE: Final = (FEW, MANY)
