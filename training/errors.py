"""The errors of training, in the manner of stream/errors.py.

StarlingError
├── CheckpointError    a checkpoint that is missing, damaged or of another kind
├── ConversionError    a model that cannot be converted as asked
├── DisagreementError  a converted model that does not do what its checkpoint does
├── HydrationError     the X API refuses, or does not answer
├── RecipeError        a recipe that is missing or wrong
├── TrainingError      a run that cannot begin or go on
└── InterruptedRunError  a run that was stopped, and can go on
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


class RecipeError(StarlingError):
    """A recipe is missing, or says what cannot be done."""

    exit_code = 78  # EX_CONFIG


class TrainingError(StarlingError):
    """A run of training cannot begin or go on."""

    exit_code = 73  # EX_CANTCREAT


class InterruptedRunError(StarlingError):
    """A run was stopped by a signal, and can be taken up again."""

    exit_code = 130


class HydrationError(StarlingError):
    """The texts of tweets cannot be had from the X API."""

    exit_code = 69  # EX_UNAVAILABLE
