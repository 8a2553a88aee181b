"""Releases for the fleet: this checkout's wheel, and altered copies."""

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.fleet.image import CHECKOUT

MUTE = ("stream/session/subscriptions.py", "_shared(settings, topic) for", "_shared(settings, 'nowhere') for")
"""Becomes ready but labels nothing."""
DYING = ("stream/commands/run.py", "settings = load_settings(config)", "raise SystemExit(1)")
SLOW = (
    "stream/model/classifier.py",
    "return softmax(self.logits(batch), self._temperature)",
    "__import__('time').sleep(0.3)\n        return softmax(self.logits(batch), self._temperature)",
)
NEGATIVE = (
    "stream/model/classifier.py",
    "return softmax(self.logits(batch), self._temperature)",
    "return softmax(np.tile(np.float32([9, 0, 0]), (len(batch), 1)), self._temperature)",
)
"""Calls every tweet negative."""
REJECTING = (
    "stream/tweets/decoding.py",
    "    if not tweet_id.strip():\n",
    (
        "    if tweet_id.startswith('load-'):\n"
        "        raise RejectedTweetError(Reason.BAD_ID, 'the id is not accepted', tweet_id)\n"
        "    if not tweet_id.strip():\n"
    ),
)
"""Rejects the tweets of the load, but not those of the probe."""
WEDGED = (
    "stream/model/loading.py",
    "        labels = self.bundle.manifest.labels\n",
    (
        "        labels = self.bundle.manifest.labels\n"
        "        globals()['labelled'] = globals().get('labelled', 0) + 1\n"
        "        __import__('time').sleep(3600 if globals()['labelled'] > 100 else 0)\n"
    ),
)
"""Hangs after a hundred tweets."""
GOOD = ("stream/__init__.py", "__version__ = ", "# another good release\n__version__ = ")

Change = tuple[str, str, str]
"""A file, a text in it, and its replacement."""


def built_wheel(folder: Path) -> Path:
    """Build the wheel of this checkout."""
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(CHECKOUT)], check=True)
    return next(folder.glob("starling_edge-*.whl"))


def altered_wheel(wheel: Path, folder: Path, change: Change) -> Path:
    """Copy a wheel with a change under the same name."""
    name, old, new = change
    folder.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(folder / wheel.name, "w") as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == name:
                assert old.encode() in content
                content = content.replace(old.encode(), new.encode())
            target.writestr(entry, content)
    return folder / wheel.name
