"""Makes the models that stream/ runs: reads data, converts checkpoints to model bundles, and checks them."""

import os

# TensorFlow and transformers read these when they are first imported, which every module here leaves for later.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # transformers' TensorFlow classes are written for Keras 2
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # dozens of lines about GPUs that are not there
