"""The variables that a rehearsal's processes see: what tools need, and nothing that anybody could log in with."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

# What is named here stays; all else goes, so that a credential nobody thought of goes too.
_KEPT = frozenset(
    {
        "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
        "GIT_SSL_CAINFO", "TERRAFORM_BINARY_NAME", "TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR", "JSII_NODE",
        "BRANCHLINE_CDK", "OMP_NUM_THREADS", "COVERAGE_PROCESS_START",
    }
)  # fmt: skip
_JSII_CACHE = "JSII_RUNTIME_PACKAGE_CACHE_ROOT"


def sealed(inherited: Mapping[str, str], home: Path, root: Path) -> dict[str, str]:
    """The variables of a process that may run code of a fork.

    Its home folder is empty, so that no tool finds credentials that lie in the user's own.
    """
    kept = {name: value for name, value in inherited.items() if name in _KEPT or name.startswith("LC_")}
    # Unpacking the providers' library takes seconds; without its cache every rehearsal would do it.
    cache = inherited.get(_JSII_CACHE) or str(Path(inherited.get("HOME", root)) / ".cache/aws/jsii/package-cache")
    kept |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{inherited.get('PATH', os.defpath)}",
        "HOME": str(home),
        _JSII_CACHE: cache,
        "GIT_CONFIG_NOSYSTEM": "1",
        "CI": "1",
        "CHECKPOINT_DISABLE": "1",
        "TF_IN_AUTOMATION": "1",
        "FORCE_COLOR": "0",
    }
    if inherited.get("PYTHONDONTWRITEBYTECODE"):
        # Compiling the libraries anew takes longer than the work itself: keep the bytecode apart from the sources.
        kept["PYTHONPYCACHEPREFIX"] = str(root / ".branchline" / "bytecode")
    return kept
