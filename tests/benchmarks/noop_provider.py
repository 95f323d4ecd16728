"""A Terraform provider that does nothing, served as the workspace's is: same schemas, same server, same
protocol.

It plans what is proposed, with every computed value unknown until the apply, and stores what was planned. It
asks no workspace. Run as a program it serves until its standard input ends; its first line is
TF_REATTACH_PROVIDERS.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc
from tf.types import Unknown

from infra.workspace.terraform.schemas import Block
from infra.workspace.terraform.server import ProviderServer
from infra.workspace.terraform.servicer import ProviderServicer
from infra.workspace.terraform.wire import decode, encode

_TEXT = "nothing"


class NoopServicer(ProviderServicer):
    """Answers each call with what it was told."""

    def ConfigureProvider(self, request: Any, context: Any) -> Any:  # noqa: N802 - protocol
        return pb.ConfigureProvider.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:  # noqa: N802 - protocol
        return pb.ValidateResourceConfig.Response()

    def UpgradeResourceState(self, request: Any, context: Any) -> Any:  # noqa: N802 - protocol
        kind = self._block(request.type_name).type
        state = encode(json.loads(request.raw_state.json), kind)
        return pb.UpgradeResourceState.Response(upgraded_state=state)

    def ReadResource(self, request: Any, context: Any) -> Any:  # noqa: N802 - protocol
        return pb.ReadResource.Response(new_state=request.current_state, private=request.private)

    def PlanResourceChange(self, request: Any, context: Any) -> Any:  # noqa: N802 - protocol
        planned = request.proposed_new_state
        if decode(request.prior_state) is None and (proposed := decode(planned)) is not None:
            block = self._block(request.type_name)
            planned = encode(proposed | dict.fromkeys(_left_open(block, proposed), Unknown), block.type)
        return pb.PlanResourceChange.Response(planned_state=planned, legacy_type_system=True)

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:  # noqa: N802 - protocol
        state = request.planned_state
        if (planned := decode(state)) is not None:
            block = self._block(request.type_name)
            state = encode(_filled(block, planned), block.type)
        return pb.ApplyResourceChange.Response(new_state=state, legacy_type_system=True)

    def ReadDataSource(self, request: Any, context: Any) -> Any:  # noqa: N802 - protocol
        block = self._types.data_source(request.type_name).schema.block
        config = decode(request.config)
        found = config | dict.fromkeys(_left_open(block, config), Unknown)
        return pb.ReadDataSource.Response(state=encode(_filled(block, found), block.type))

    def _block(self, type_name: str) -> Block:
        return self._types.resource(type_name).schema.block


def _left_open(block: Block, state: dict[str, Any]) -> list[str]:
    return [name for name, attribute in block.attributes.items() if attribute.computed and state.get(name) is None]


def _filled(block: Block, state: dict[str, Any]) -> dict[str, Any]:
    """Some value of the right type for what the apply was to tell: text where it is text, else null."""
    types = {name: attribute.type for name, attribute in block.attributes.items()}
    return {
        name: (_TEXT if types.get(name) == "string" else None) if value is Unknown else value
        for name, value in state.items()
    }


class NoopServer(ProviderServer):
    """The workspace's own server with another servicer."""

    def start(self) -> None:
        server = grpc.server(futures.ThreadPoolExecutor(32))
        rpc.add_ProviderServicer_to_server(NoopServicer(self._types, self._sessions), server)
        self._port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self._server = server


def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        server = NoopServer(0, "http://127.0.0.1:9", Path(cache))
        server.start()
        print(json.dumps(server.reattach(os.getpid())), flush=True)
        sys.stdin.buffer.read()
        server.stop()


if __name__ == "__main__":
    main()
