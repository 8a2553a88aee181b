"""The packages that only the demo needs."""

from importlib.util import find_spec

from stream.errors import StarlingError

_PACKAGES = ("amqtt", "aiomqtt")


def need_the_demo_extra() -> None:
    """Check that the demo extra is installed.

    Raises:
        StarlingError: It is not.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise StarlingError(
            f"the demo needs {' and '.join(missing)} of the extra demo: pip install '.[demo]' in a checkout, or "
            "pip install 'WHEEL[demo]' with the path of the wheel"
        )
