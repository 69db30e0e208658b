"""Set the environment first, then load the fixtures; what each one gives stands in its module."""

from support import environment

# Here and not in a hook: the modules below and the tests import models as soon as they load.
environment.prepare()

pytest_plugins = (
    "support.plugins.engines",
    "support.plugins.database",
    "support.plugins.processes",
    "support.plugins.network",
    "support.plugins.browser",
)
