"""The provider's server: gRPC over TCP on the loopback, for Terraform's reattach mode."""

from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from tf.gen import tfplugin_pb2_grpc as rpc

from infra.workspace.terraform.journal import Journal
from infra.workspace.terraform.served import Types
from infra.workspace.terraform.servicer import ProviderServicer
from infra.workspace.terraform.sessions import Sessions

_WORKERS = 32
"""Terraform works on ten resources at once; three applies at a time keep their pace."""

_LARGEST = 64 * 1024 * 1024
_SOURCES = (
    "registry.terraform.io/databricks/databricks",
    "registry.opentofu.org/databricks/databricks",
    "databricks/databricks",
)


class PortInUse(Exception):
    """The provider cannot listen on its address."""


class ProviderServer:
    """Serves the provider `databricks/databricks` on 127.0.0.1.

    `default_host` is the workspace's own address, taken where a provider block names no host. Port 0 picks a free one.
    With a journal, a creation that a kill cuts off is taken over by the next one.
    """

    def __init__(
        self, port: int, default_host: str, cache_dir: Path | None = None, journal: Journal | None = None
    ) -> None:
        self._port = port
        self._journal = journal
        self._sessions = Sessions(default_host)
        self._types = Types(cache_dir)
        self._server: Any = None

    @property
    def address(self) -> str:
        """Host and port, known once started."""
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Begins to serve; raises PortInUse."""
        pool = futures.ThreadPoolExecutor(_WORKERS, thread_name_prefix="terraform")
        options = [
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", _LARGEST),
            ("grpc.max_send_message_length", _LARGEST),
        ]
        server = grpc.server(pool, options=options)
        rpc.add_ProviderServicer_to_server(ProviderServicer(self._types, self._sessions, self._journal), server)
        server.add_generic_rpc_handlers((self._controller(),))
        try:
            self._port = server.add_insecure_port(self.address)
        except RuntimeError as error:
            raise PortInUse(self.address) from error
        server.start()
        self._server = server

    def stop(self, grace: float = 1.0) -> None:
        """Ends serving; calls under way get `grace` seconds."""
        if self._server is not None:
            self._server.stop(grace).wait()
            self._server = None
        self._sessions.end_all()

    def reattach(self, pid: int) -> dict[str, Any]:
        """The value of TF_REATTACH_PROVIDERS (before JSON), for terraform and OpenTofu. `pid` is this process's."""
        entry = {
            "Protocol": "grpc",
            "ProtocolVersion": 6,
            "Pid": pid,
            "Test": True,
            "Addr": {"Network": "tcp", "String": self.address},
        }
        return dict.fromkeys(_SOURCES, entry)

    def _controller(self) -> Any:
        """go-plugin's own service, by which Terraform says that it is done with a connection."""

        def shutdown(request: bytes, context: Any) -> bytes:
            self._sessions.end(context.peer())
            return b""

        return grpc.method_handlers_generic_handler(
            "plugin.GRPCController", {"Shutdown": grpc.unary_unary_rpc_method_handler(shutdown)}
        )
