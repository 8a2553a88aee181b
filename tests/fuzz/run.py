"""Fuzzes one target with atheris: `python -m tests.fuzz.run TARGET [libFuzzer's options] [folders of inputs]`."""

import contextlib
import io
import sys

import atheris

with atheris.instrument_imports(include=["stream", "paho", "tests.fuzz"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Run until a limit of libFuzzer's options is reached, or an input fails."""
    name = sys.argv.pop(1)
    target = TARGETS[name]

    def quiet(data: bytes) -> None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            target(data)

    atheris.Setup(sys.argv, quiet)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
