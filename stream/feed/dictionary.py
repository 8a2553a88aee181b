"""Decompression of zstd frames with a dictionary, of bounded size; the library is in the extra `feed`."""

from importlib.util import find_spec
from pathlib import Path

from stream.errors import SettingsError
from stream.files import read_file

LONGEST_DICTIONARY_BYTES = 16 * 1024 * 1024


def zstd_is_installed() -> bool:
    """Return whether compressed data can be read."""
    return find_spec("backports") is not None and find_spec("backports.zstd") is not None


def need_zstd() -> None:
    """Check that compressed data can be read.

    Raises:
        SettingsError: The library is not installed.
    """
    if not zstd_is_installed():
        raise SettingsError(
            "bluesky.compress needs the extra `feed`: install starling-edge[feed], or set compress = false"
        )


class Decompressor:
    """Decompresses frames.

    Args:
        dictionary: The dictionary, with its header (RFC 8878, section 5).
        longest_bytes: Length of a decompressed frame, at most.

    Raises:
        ValueError: It is no dictionary.
    """

    def __init__(self, dictionary: bytes, longest_bytes: int) -> None:
        from backports import zstd  # noqa: PLC0415  (an optional library)

        self._zstd = zstd
        self._dictionary = zstd.ZstdDict(dictionary)
        self._longest_bytes = longest_bytes

    @property
    def dictionary_id(self) -> int:
        """Number of the dictionary, which each frame names."""
        return self._dictionary.dict_id

    def decompress(self, frame: bytes) -> bytes | None:
        """Return the content of a frame; None where it is damaged, incomplete or too large."""
        try:
            decompressor = self._zstd.ZstdDecompressor(zstd_dict=self._dictionary)
            content = decompressor.decompress(frame, self._longest_bytes)
        except self._zstd.ZstdError:
            return None
        return content if decompressor.eof else None


def read_dictionary(path: Path, longest_bytes: int) -> Decompressor:
    """Read a dictionary from a file.

    Raises:
        InputError: The file cannot be read.
        SettingsError: It is no dictionary.
    """
    need_zstd()
    try:
        return Decompressor(read_file(path), longest_bytes)
    except ValueError as error:
        raise SettingsError(f"bluesky.dictionary_file: {path} is no zstd dictionary: {error}") from error
