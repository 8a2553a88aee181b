"""What all tests share: nobody's settings but their own, and no deadlines on a machine that may be busy."""

import os
import signal
from collections.abc import Iterator

import hypothesis
import pytest

# The same examples each time where a failure must mean the change; new ones wherever somebody can look into it.
hypothesis.settings.register_profile("starling", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("starling")

# A shell that runs the tests in the background has them ignore Ctrl-C, and with them all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        for variable in list(os.environ):
            if variable.startswith("STARLING_"):
                environment.delenv(variable)
        yield
