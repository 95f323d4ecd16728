"""MLmodel files and environments: what loading them would do is read from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ml_code.platform.marketplace.intake.findings import Rejected
from ml_code.platform.marketplace.intake.mlmodel import check_mlmodel, describe
from ml_code.platform.marketplace.intake.package import package
from tests.support.model_requests import CONFIG, TRANSFORMERS, classifier, of_hub, request, tensors, transformer_files

KINDS = {"MLmodel": "text", "model.pkl": "pickle", "model.skops": "skops", "model.lgb": "text", "notes.txt": "text"}
SKLEARN = {"pickled_model": "model.pkl", "serialization_format": "pickle", "code": None}
PYTHON = {"loader_module": "mlflow.sklearn", "model_path": "model.pkl"}


def judge(folder: Path, flavors: Any, **files: str) -> None:
    (folder / "MLmodel").write_text(yaml.safe_dump({"flavors": flavors}))
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)
    check_mlmodel(folder, KINDS)


def test_models_of_the_known_flavours_pass(tmp_path: Path) -> None:
    judge(tmp_path, {"sklearn": SKLEARN, "python_function": PYTHON})
    judge(tmp_path, {"sklearn": {"pickled_model": "model.skops", "serialization_format": "skops"}})
    judge(tmp_path, {"lightgbm": {"data": "model.lgb", "model_class": "lightgbm.basic.Booster"}})


@pytest.mark.parametrize(
    ("flavors", "told"),
    [
        ({}, "names no flavour"),
        ([], "names no flavour"),
        ({"sklearn": None}, "names no flavour"),
        ({"pyspark": {"x": 1}}, "flavour pyspark"),
        ({"python_function": {"loader_module": "my_code"}}, "loader_module 'my_code' is run on loading"),
        ({"python_function": PYTHON}, "none of its flavours"),
        ({"python_function": {**PYTHON, "model_path": "notes.txt"}, "sklearn": SKLEARN}, "and not sklearn's"),
        ({"python_function": {**PYTHON, "data": "notes.txt"}, "sklearn": SKLEARN}, "and not sklearn's"),
        ({"python_function": {**PYTHON, "predict_fn": "__setstate__"}, "sklearn": SKLEARN}, "no public function"),
        ({"python_function": {**PYTHON, "code": "code"}}, "python_function.code"),
        ({"python_function": {"loader_module": "mlflow.pyfunc.model", "python_model": "p.pkl"}}, "mlflow.pyfunc.model"),
        ({"python_function": {**PYTHON, "model_code_path": "x"}}, "model_code_path"),
        ({"python_function": {**PYTHON, "artifacts": {"a": {"uri": "https://example.com"}}}}, "artifacts"),
        ({"python_function": {**PYTHON, "model_path": "/etc/passwd"}}, "leads out"),
        ({"python_function": {**PYTHON, "env": {"conda": "../conda.yaml"}}}, "leads out"),
        ({"sklearn": {**SKLEARN, "pickled_model": "notes.txt"}}, "text, not pickle or skops"),
        ({"sklearn": {**SKLEARN, "pickled_model": "gone.pkl"}}, "no file of it"),
        ({"sklearn": {**SKLEARN, "pickled_model": "../model.pkl"}}, "leads out"),
        ({"sklearn": {**SKLEARN, "serialization_format": "skops"}}, "does not fit"),
        ({"sklearn": {**SKLEARN, "skops_trusted_types": ["os.system"]}}, "skops_trusted_types has os.system"),
        ({"lightgbm": {"data": "model.lgb", "model_class": "lightgbm.sklearn.LGBMClassifier"}}, "loaded from a pickle"),
        ({"lightgbm": {"data": "model.pkl"}}, "not text"),
        ({"transformers": {"peft_adaptor": "peft"}}, "peft_adaptor"),
        ({"transformers": {"source_model_revision": "main"}}, "another place to fetch from"),
    ],
)
def test_what_would_run_or_fetch_is_refused(tmp_path: Path, flavors: Any, told: str) -> None:
    with pytest.raises(Rejected) as error:
        judge(tmp_path, flavors)
    assert told in error.value.finding.told


def test_a_file_that_grows_out_of_itself_is_refused(tmp_path: Path) -> None:
    levels = "".join(f"a{each}: &a{each} [{', '.join([f'*a{each - 1}'] * 9)}]\n" for each in range(1, 30))
    for name in ("MLmodel", "conda.yaml"):
        judge(tmp_path, {"sklearn": SKLEARN})
        (tmp_path / name).write_text(f"a0: &a0 [x]\n{levels}flavors: *a29\n")
        with pytest.raises(Rejected, match="refers to parts of itself"):
            check_mlmodel(tmp_path, KINDS)


@pytest.mark.parametrize(
    ("files", "passes"),
    [
        (
            {"requirements__txt": "scikit-learn==1.7.2\nmlflow[extras]>=3,<4\n# why\nx==1; python_version < '3.12'\n"},
            True,
        ),
        ({"requirements__txt": "--index-url https://example.com/simple\n"}, False),
        ({"requirements__txt": "x @ https://example.com/x.whl\n"}, False),
        ({"requirements__txt": "git+https://example.com/x.git\n"}, False),
        ({"requirements__txt": "-e .\n"}, False),
        ({"requirements__txt": "numpy==${HF_TOKEN}\n"}, False),
        ({"requirements__txt": "./code/x.whl\n"}, False),
        ({"requirements__txt": "-r other.txt\n"}, False),
        ({"python_env__yaml": "build_dependencies: [pip==24]\ndependencies: [-r requirements.txt]\n"}, True),
        ({"python_env__yaml": "python: 3.11.7\ndependencies: ['x @ file:///x']\n"}, False),
        ({"conda__yaml": "channels: [conda-forge]\ndependencies: [python=3.11, {pip: [mlflow==3.17]}]\n"}, True),
        ({"conda__yaml": "channels: [https://example.com]\ndependencies: [python=3.11]\n"}, False),
        ({"conda__yaml": "dependencies: [{pip: ['--extra-index-url https://example.com']}]\n"}, False),
        ({"conda__yaml": "prefix: /\ndependencies: []\n"}, False),
        ({"conda__yaml": "{"}, False),
    ],
)
def test_packages_come_by_name_and_version_alone(tmp_path: Path, files: dict[str, str], passes: bool) -> None:
    flavors = {"sklearn": SKLEARN}
    if passes:
        judge(tmp_path, flavors, **files)
        return
    with pytest.raises(Rejected) as error:
        judge(tmp_path, flavors, **files)
    assert error.value.finding.rule == "requirements"


def test_a_model_of_transformers_lies_where_mlflow_looks_for_it(tmp_path: Path) -> None:
    for name, content in transformer_files().items():
        (tmp_path / name).write_bytes(content)
    kinds = dict.fromkeys(transformer_files(), "json") | {"vocab.txt": "text", "README.md": "text"}
    kinds["model.safetensors"] = "safetensors"
    asked = request(of_hub("https://huggingface.co"), **TRANSFORMERS).request
    assert package(asked, tmp_path, kinds) == tmp_path
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == tensors()
    assert (tmp_path / "components" / "tokenizer" / "vocab.txt").exists()
    assert (tmp_path / "README.md").exists()
    found = yaml.safe_load((tmp_path / "MLmodel").read_text())["flavors"]["transformers"]
    assert found["pipeline_model_type"] == CONFIG["architectures"][0]
    assert found["tokenizer_type"] == "BertTokenizer"
    assert found["torch_dtype"] == "torch.float32"
    check_mlmodel(tmp_path, {"MLmodel": "text"})
    flavors, signature = describe(tmp_path)
    assert flavors == ("python_function", "transformers")
    assert signature is not None


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"config__json": b"[]"}, "not there"),
        ({"config__json": b'{"architectures": ["__import__"]}'}, "name of one class"),
        ({"tokenizer_config__json": b'{"tokenizer_class": "a.b"}'}, "name of a class"),
    ],
)
def test_names_of_classes_are_names(tmp_path: Path, files: dict[str, bytes], told: str) -> None:
    content = transformer_files(**files)
    for name, each in content.items():
        (tmp_path / name).write_bytes(each)
    with pytest.raises(Rejected, match=told):
        package(
            request(of_hub("https://huggingface.co"), **TRANSFORMERS).request, tmp_path, dict.fromkeys(content, "json")
        )


def test_mlflow_reads_the_mlmodel_that_is_written(tmp_path: Path) -> None:
    from mlflow.models import Model

    (tmp_path / "model.pkl").write_bytes(classifier())
    package(request(of_hub("https://huggingface.co")).request, tmp_path, {"model.pkl": "pickle"})
    once = (tmp_path / "MLmodel").read_bytes()
    package(request(of_hub("https://huggingface.co")).request, tmp_path, {"model.pkl": "pickle"})
    assert (tmp_path / "MLmodel").read_bytes() == once, "the same request gives the same bytes"
    model = Model.load(str(tmp_path))
    assert model.signature is not None
    assert model.signature.inputs.input_names() == ["a", "b"]
    assert set(model.flavors) == {"sklearn", "python_function"}


def test_a_request_whose_requirements_lack_the_library_is_refused(tmp_path: Path) -> None:
    asked = request(of_hub("https://huggingface.co"), requirements=["numpy==2.3.5"]).request
    with pytest.raises(Rejected, match="scikit-learn=="):
        package(asked, tmp_path, {"model.pkl": "pickle"})
