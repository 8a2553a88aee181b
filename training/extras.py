"""Says what to install where the training extra is missing."""

from importlib.util import find_spec

from stream.errors import StarlingError


def require_training_extra(package: str = "sklearn") -> None:
    """End a command that cannot work without a package of the training extra.

    Raises:
        StarlingError: It is not installed.
    """
    if find_spec(package) is None:
        raise StarlingError("this needs the training extra: pip install 'starling-edge[training]'")
