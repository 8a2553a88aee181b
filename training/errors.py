"""The errors of training, in the manner of stream/errors.py.

StarlingError
├── CheckpointError    a checkpoint that is missing, damaged or of another kind
├── ConversionError    a model that cannot be converted as asked
├── DisagreementError  a converted model that does not do what its checkpoint does
└── HydrationError     the X API refuses, or does not answer
"""

from stream.errors import StarlingError


class CheckpointError(StarlingError):
    """A checkpoint cannot be used."""

    exit_code = 66  # EX_NOINPUT


class ConversionError(StarlingError):
    """A model cannot be converted as asked."""

    exit_code = 73  # EX_CANTCREAT


class DisagreementError(StarlingError):
    """A converted model strays from its checkpoint further than its precision excuses."""

    exit_code = 65  # EX_DATAERR


class HydrationError(StarlingError):
    """The texts of tweets cannot be had from the X API."""

    exit_code = 69  # EX_UNAVAILABLE
