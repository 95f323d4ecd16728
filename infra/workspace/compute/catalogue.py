"""What the local workspace offers: runtimes and node types, by the names that the three clouds use.

A node type's size is the cloud's published one. Locally an engine runs on this machine whatever its node type; the
size matters to those who pick the smallest node that has enough (`databricks_node_type`).
"""

from __future__ import annotations

import re
from typing import Any

RUNTIMES: tuple[tuple[str, str], ...] = (
    ("17.3.x-scala2.13", "17.3 LTS (includes Apache Spark 4.0.0, Scala 2.13)"),
    ("17.3.x-cpu-ml-scala2.13", "17.3 LTS ML (includes Apache Spark 4.0.0, Scala 2.13)"),
    ("16.4.x-scala2.12", "16.4 LTS (includes Apache Spark 3.5.2, Scala 2.12)"),
    ("16.4.x-cpu-ml-scala2.12", "16.4 LTS ML (includes Apache Spark 3.5.2, Scala 2.12)"),
    ("15.4.x-scala2.12", "15.4 LTS (includes Apache Spark 3.5.0, Scala 2.12)"),
    ("15.4.x-cpu-ml-scala2.12", "15.4 LTS ML (includes Apache Spark 3.5.0, Scala 2.12)"),
    ("14.3.x-scala2.12", "14.3 LTS (includes Apache Spark 3.5.0, Scala 2.12)"),
    ("14.3.x-cpu-ml-scala2.12", "14.3 LTS ML (includes Apache Spark 3.5.0, Scala 2.12)"),
)
_NODES: tuple[tuple[str, int, float, str, int], ...] = (  # name, memory in MiB, cores, category, local disk in GB
    ("Standard_D4ds_v5", 16384, 4, "General Purpose", 150),
    ("Standard_D8ds_v5", 32768, 8, "General Purpose", 300),
    ("Standard_DS3_v2", 14336, 4, "General Purpose", 28),
    ("Standard_DS4_v2", 28672, 8, "General Purpose", 56),
    ("Standard_E8ds_v5", 65536, 8, "Memory Optimized", 300),
    ("Standard_F8s_v2", 16384, 8, "Compute Optimized", 64),
    ("i3.xlarge", 31232, 4, "Storage Optimized", 950),
    ("i3.2xlarge", 62464, 8, "Storage Optimized", 1900),
    ("m5d.large", 8192, 2, "General Purpose", 75),
    ("m5d.xlarge", 16384, 4, "General Purpose", 150),
    ("m5d.2xlarge", 32768, 8, "General Purpose", 300),
    ("n2-highmem-4", 32768, 4, "Memory Optimized", 375),
    ("n2-standard-4", 16384, 4, "General Purpose", 375),
)
ZONES = ("local-a",)
_AUTO = re.compile(r"auto:(latest|latest-lts|prev-major|prev-lts)(-ml)?")


def spark_versions() -> dict[str, Any]:
    return {"versions": [{"key": key, "name": name} for key, name in RUNTIMES]}


def node_types() -> dict[str, Any]:
    return {
        "node_types": [
            {
                "node_type_id": name,
                "memory_mb": memory,
                "num_cores": cores,
                "description": name,
                "instance_type_id": name,
                "category": category,
                "display_order": position,
                "is_deprecated": False,
                "is_hidden": False,
                "is_io_cache_enabled": True,
                "num_gpus": 0,
                "photon_driver_capable": False,
                "photon_worker_capable": False,
                "support_cluster_tags": True,
                "support_ebs_volumes": False,
                "support_port_forwarding": False,
                "node_instance_type": {
                    "instance_type_id": name,
                    "local_disks": 1,
                    "local_disk_size_gb": disk,
                    "local_nvme_disks": 0,
                    "local_nvme_disk_size_gb": 0,
                },
            }
            for position, (name, memory, cores, category, disk) in enumerate(_NODES)
        ]
    }


def zones() -> dict[str, Any]:
    return {"zones": list(ZONES), "default_zone": ZONES[0]}


def resolve_runtime(spark_version: str) -> str:
    """The runtime that an `auto:` name stands for; any other name is returned as it is."""
    automatic = _AUTO.fullmatch(spark_version)
    if automatic is None:
        return spark_version
    offered = [key for key, _ in RUNTIMES if ("-ml-" in key) == bool(automatic[2])]
    return offered[1 if automatic[1].startswith("prev") else 0]


def runtime_number(spark_version: str) -> str:
    """What `DATABRICKS_RUNTIME_VERSION` says on such a cluster, for example `15.4`."""
    found = re.match(r"\d+\.\d+", resolve_runtime(spark_version))
    return found[0] if found else "15.4"
