"""Check for the packages of optional extras."""

from importlib.util import find_spec

from stream.errors import StarlingError


def require_extra(extra: str, package: str) -> None:
    """Raise an error if a package of an extra is not installed.

    Args:
        extra: Name of the extra.
        package: Package of this extra that is needed.

    Raises:
        StarlingError: The package is not installed.
    """
    if find_spec(package) is None:
        raise StarlingError(
            f"this command needs {package} of the extra {extra}: pip install '.[{extra}]' in a checkout, or "
            f"pip install 'WHEEL[{extra}]' with the path of the wheel"
        )
