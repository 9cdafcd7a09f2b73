"""The pipeline components, and the library generated trainers build on.

Importing this package is cheap: it only settles the environment that
TensorFlow reads when it is imported, so it MUST be imported first.
`ensure_tensorflow` does the expensive part.

Promises: every component is a plain function behind the KFP executor
contract (`run`), may be killed at any moment and repeated, and gives the same
outputs for the same inputs and seed.
"""

import os
import threading
from types import ModuleType

__version__ = "1.0.0"

# TFRS 0.7 is written against Keras 2. Keras 3 is installed beside it and would
# be picked otherwise.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
# 2 = errors only: TensorFlow's start-up notes would drown the component logs.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# GPUs are shared with the evaluator's matrix products; take memory as needed.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")

_lock = threading.Lock()
_ready = False


def ensure_tensorflow() -> ModuleType:
    """Imports TensorFlow and keeps autograph away from Keras 2.

    With legacy Keras the package is called tf_keras, which autograph does not
    know as a library. It would transpile Keras itself on every trace: 11 to
    14 s before the first training step instead of about 1 s.

    Safe to call often and from several threads. Returns the tensorflow module.
    """
    global _ready
    import tensorflow as tf

    with _lock:
        if not _ready:
            from tensorflow.python.autograph.core import config

            config.CONVERSION_RULES = (
                config.DoNotConvert("tf_keras"),
                *config.CONVERSION_RULES,
            )
            from tensorflow.python.util import deprecation

            # Versions are pinned: TFX's own use of old names is no news to anyone.
            deprecation._PRINT_DEPRECATION_WARNINGS = False
            _ready = True
    return tf
