"""Check for the packages of an extra."""

from importlib.util import find_spec

from stream.errors import StarlingError


def require_training_extra(package: str = "sklearn") -> None:
    """Raise an error if a package of the training extra is not installed.

    Raises:
        StarlingError: The package is not installed.
    """
    if find_spec(package) is None:
        raise StarlingError("this needs the training extra: pip install 'starling-edge[training]'")
