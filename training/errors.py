"""Errors of training, as in stream/errors.py.

StarlingError
├── CheckpointError      a checkpoint is missing, damaged or of another kind
├── ConversionError      a model cannot be converted with these options
├── DisagreementError    a converted model differs too much from its checkpoint
├── HydrationError       the X API refuses requests, or does not answer
├── RecipeError          a recipe is missing or wrong
├── TrainingError        a training run cannot start or continue
└── InterruptedRunError  a training run was interrupted and can be continued
"""

from stream.errors import StarlingError


class CheckpointError(StarlingError):
    """A checkpoint cannot be used."""

    exit_code = 66  # EX_NOINPUT


class ConversionError(StarlingError):
    """A model cannot be converted with these options."""

    exit_code = 73  # EX_CANTCREAT


class DisagreementError(StarlingError):
    """A converted model differs from its checkpoint by more than its precision explains."""

    exit_code = 65  # EX_DATAERR


class RecipeError(StarlingError):
    """A recipe is missing or wrong."""

    exit_code = 78  # EX_CONFIG


class TrainingError(StarlingError):
    """A training run cannot start or continue."""

    exit_code = 73  # EX_CANTCREAT


class InterruptedRunError(StarlingError):
    """A training run was interrupted by a signal and can be continued."""

    exit_code = 130


class HydrationError(StarlingError):
    """The X API does not return the texts of tweets."""

    exit_code = 69  # EX_UNAVAILABLE
