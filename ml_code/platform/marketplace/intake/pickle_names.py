"""The names that a pickle may use: what rebuilds arrays, tensors and scikit-learn's estimators, one by one.

Whole packages are never allowed: numpy and scikit-learn hold functions that run what they are given.
"""

from __future__ import annotations

from functools import cache
from inspect import isclass

_ARRAYS = {
    *(
        f"numpy.{core}.{name}"
        for core in ("core", "_core")
        for name in ("multiarray._reconstruct", "multiarray.scalar", "numeric._frombuffer")
    ),
    "numpy.ndarray",
    "numpy.dtype",
    "numpy.random._pickle.__randomstate_ctor",
    "numpy.random._pickle.__bit_generator_ctor",
    "numpy.random._pickle.__generator_ctor",
    "numpy.random._mt19937.MT19937",
    "numpy.random._pcg64.PCG64",
    "scipy.sparse._csr.csr_matrix",
    "scipy.sparse._csc.csc_matrix",
    "scipy.sparse._csr.csr_array",
    "scipy.sparse._csc.csc_array",
}
_NUMPY_TYPES = {
    f"numpy.{name}"
    for name in (
        *("bool_", "bool", "float16", "float32", "float64", "complex64", "complex128", "str_", "bytes_"),
        *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    )
}
_TENSORS = {
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
    "torch.Size",
    "torch.device",
    *(
        f"torch.{kind}Storage"
        for kind in ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
    ),
    *(f"torch.{kind}" for kind in ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8")),
}
_PYTHON = {
    "collections.OrderedDict",
    "collections.defaultdict",
    "copyreg._reconstructor",
    "_codecs.encode",
    *(
        f"{module}.{name}"
        for module in ("builtins", "__builtin__")
        for name in (
            *("object", "list", "dict", "tuple", "set", "frozenset", "bytearray", "bytes", "str"),
            *("int", "float", "complex", "bool", "slice", "range"),
        )
    ),
}
# Classes of scikit-learn that are no estimators, but parts of them.
_ESTIMATOR_PARTS = {
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "sklearn.neighbors._kd_tree.KDTree64",
    "sklearn.neighbors._ball_tree.BallTree64",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    *(
        f"sklearn._loss.loss.{name}"
        for name in ("HalfSquaredError", "HalfBinomialLoss", "HalfMultinomialLoss", "HalfPoissonLoss", "HuberLoss")
    ),
    *(
        f"sklearn._loss._loss.{name}"
        for name in (
            *("CyHalfSquaredError", "CyHalfBinomialLoss", "CyHalfMultinomialLoss", "CyHalfPoissonLoss", "CyHuberLoss"),
            *(f"__pyx_unpickle_CyHalf{name}" for name in ("SquaredError", "BinomialLoss", "MultinomialLoss")),
        )
    ),
    *(
        f"sklearn._loss.link.{name}"
        for name in ("IdentityLink", "LogitLink", "LogLink", "MultinomialLogit", "Interval")
    ),
}
# Estimators that do what a parameter of theirs names.
_NOT_ESTIMATORS = {"sklearn.preprocessing._function_transformer.FunctionTransformer"}


@cache
def allowed_names() -> frozenset[str]:
    """module.name of everything that may be used; the estimators are those of the installed scikit-learn."""
    return frozenset(_ARRAYS | _NUMPY_TYPES | _TENSORS | _PYTHON | _ESTIMATOR_PARTS | _estimators())


def _estimators() -> set[str]:
    from sklearn.utils import all_estimators

    found = {f"{kind.__module__}.{kind.__qualname__}" for _, kind in all_estimators() if isclass(kind)}
    return {name for name in found if name.startswith("sklearn.")} - _NOT_ESTIMATORS
