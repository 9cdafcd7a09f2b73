"""The library that generated trainer modules build on.

A generated module holds what its configuration decides: towers, loss, CONFIG.
Everything that is the same for every model is here: reading examples, the
catalogue of candidates, training with selection of the best epoch, and export.
It runs inside this project's trainer component and in stock TFX alike.

The order of a run:

    run = training.start(fn_args, CONFIG)
    train, evaluation = training.datasets(run)
    catalogue = training.catalogue(run, train)
    share = training.product_share(run, train, catalogue)
    model = ...
    training.fit(run, model, train, evaluation, catalogue)
    training.export(run, model, catalogue)

Promises: the same data, configuration and seed give the same metrics on the
same machine; dropout and batch statistics are active in training and only
there; reported losses are means over an epoch, not over its last batch; files
are replaced as a whole, so a killed run can be repeated.

Functions without control flow on tensors are kept from autograph: rewriting
them takes longer than a training step.
"""

from b2brecs_runtime import ensure_tensorflow

ensure_tensorflow()

from b2brecs_runtime.training.examples import Examples, datasets  # noqa: E402
from b2brecs_runtime.training.exporting import export  # noqa: E402
from b2brecs_runtime.training.fitting import fit  # noqa: E402
from b2brecs_runtime.training.losses import in_batch_softmax  # noqa: E402
from b2brecs_runtime.training.products import (  # noqa: E402
    Catalogue,
    catalogue,
    product_share,
)
from b2brecs_runtime.training.run import NoData, Run, start  # noqa: E402

__all__ = [
    "Catalogue",
    "Examples",
    "NoData",
    "Run",
    "catalogue",
    "datasets",
    "export",
    "fit",
    "in_batch_softmax",
    "product_share",
    "start",
]
