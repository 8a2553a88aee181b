import os
import tempfile
from typing import Any, cast

from stream.experiment.monitor import COLUMNS, line
from stream.experiment.processes import Watcher

SAMPLES = [tuple(range(number, number + len(COLUMNS))) for number in (100, 200, 300)]


def test_a_sample_that_is_written_while_samples_are_read_overwrites_none() -> None:
    """The monitor writes to the same open file, whose offset both processes share."""
    with tempfile.TemporaryFile() as output:
        for sample in SAMPLES[:2]:
            os.write(output.fileno(), line(sample))
        reading = Watcher(cast("Any", None), output).samples()
        os.write(output.fileno(), line(SAMPLES[2]))
        assert list(reading) == SAMPLES
