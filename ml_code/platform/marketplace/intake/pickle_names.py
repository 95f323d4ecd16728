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
    *(f"numpy.random.{name}" for name in ("_mt19937.MT19937", "_pcg64.PCG64", "_philox.Philox", "_sfc64.SFC64")),
    *(f"numpy.random.bit_generator.{name}" for name in ("SeedSequence", "__pyx_unpickle_SeedSequence")),
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
    "copy_reg._reconstructor",  # as Python 2 called it; protocols before 3 still do
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
# Of scikit-learn what is no estimator, but a part of some. TreePredictor is not among them: its nodes are indices that
# are followed unchecked, so that a made-up one crashes whoever asks it.
_ESTIMATOR_PARTS = {
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    *(
        f"sklearn.gaussian_process.kernels.{name}"
        for name in (
            *("Product", "Sum", "Exponentiation", "ConstantKernel", "WhiteKernel", "RBF", "Matern", "DotProduct"),
            *("RationalQuadratic", "ExpSineSquared", "Hyperparameter"),
        )
    ),
    *(
        f"sklearn.neighbors.{module}.{name}"
        for module, tree in (("_kd_tree", "KDTree"), ("_ball_tree", "BallTree"))
        for name in ("newObj", f"{tree}64", f"{tree}32", tree)
    ),
    *(
        f"sklearn.metrics._dist_metrics.{name}{bits}"
        for name in ("EuclideanDistance", "ManhattanDistance", "MinkowskiDistance", "ChebyshevDistance")
        for bits in ("", "64", "32")
    ),
    "sklearn.metrics._dist_metrics.newObj",
    *(
        f"sklearn.linear_model._sgd_fast.{name}"
        for name in ("Hinge", "SquaredHinge", "Log", "ModifiedHuber", "Huber", "EpsilonInsensitive")
    ),
    *(
        f"sklearn._loss.{form}{name}"
        for name in (
            *("HalfSquaredError", "AbsoluteError", "PinballLoss", "HuberLoss", "HalfPoissonLoss", "HalfGammaLoss"),
            *("HalfTweedieLoss", "HalfTweedieLossIdentity", "HalfBinomialLoss", "HalfMultinomialLoss"),
            "ExponentialLoss",
        )
        for form in ("loss.", "_loss.Cy", "_loss.__pyx_unpickle_Cy")
    ),
    *(f"sklearn._loss.link.{name}" for name in ("IdentityLink", "LogitLink", "HalfLogitLink", "LogLink", "Interval")),
    "sklearn._loss.link.MultinomialLogit",
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
