"""Training of the models that stream/ runs: reading data, training, conversion to bundles, evaluation."""

import os

# TensorFlow and transformers read these variables when they are first imported, so they are set before any module of
# this package is imported.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # transformers' TensorFlow classes are written for Keras 2
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # no warnings about missing GPUs
