"""Set-up of all tests: no settings of the user, and no deadlines for Hypothesis on a busy machine."""

import os
import signal
from collections.abc import Iterator

import hypothesis
import pytest

# In CI the same examples each time, so that a failure is caused by the change; new examples on a developer's machine.
hypothesis.settings.register_profile("starling", deadline=None, derandomize="CI" in os.environ, max_examples=50)
# New examples, and many: `make properties`.
hypothesis.settings.register_profile("deep", deadline=None, max_examples=2000)
# Each change of the code runs the tests again, so few examples must do, and none is made simpler: `make mutation`.
hypothesis.settings.register_profile(
    "mutation",
    deadline=None,
    derandomize=True,
    max_examples=15,
    database=None,
    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
)
hypothesis.settings.load_profile("starling")

# A shell that runs the tests in the background ignores Ctrl-C for them and for all processes that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_user() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        for variable in list(os.environ):
            if variable.startswith("STARLING_"):
                environment.delenv(variable)
        yield
