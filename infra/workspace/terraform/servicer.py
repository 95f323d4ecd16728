"""Terraform's plugin protocol 6: one session per connection, each call answered from the declared types.

Terraform opens one connection for each configured provider instance, so the peer's address tells two applies at once
apart and each keeps its own credentials.
"""

import functools
import json
import logging
from collections.abc import Callable
from typing import Any

import grpc
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc
from tf.utils import Diagnostics

from infra.workspace.terraform.journal import Journal, name_of
from infra.workspace.terraform.lifecycle import Lifecycle
from infra.workspace.terraform.resource import Refused
from infra.workspace.terraform.served import Types
from infra.workspace.terraform.session import Api, ConfigurationError, RestError, Stopped, Unreachable
from infra.workspace.terraform.sessions import NotConfigured, Sessions
from infra.workspace.terraform.wire import conform, decode, encode, path_message, schema_message

_log = logging.getLogger(__name__)

Request = Any
Response = Any
Call = Callable[["ProviderServicer", Request, Any, Diagnostics], Response]


def _answers(message: Any) -> Callable[[Call], Callable[["ProviderServicer", Request, Any], Response]]:
    """Turns what a call raises into diagnostics of its response, so that Terraform shows them and nothing crashes."""

    def wrap(call: Call) -> Callable[["ProviderServicer", Request, Any], Response]:
        @functools.wraps(call)
        def answer(self: "ProviderServicer", request: Request, context: Any) -> Response:
            diagnostics = Diagnostics()
            try:
                response = call(self, request, context, diagnostics)
            except ConfigurationError as error:
                response = message.Response()
                diagnostics.add_error(str(error), error.hint)
            except NotConfigured as error:
                response = message.Response()
                diagnostics.add_error("the provider is not configured", str(error))
            except (RestError, Refused, Stopped, Unreachable) as error:
                response = message.Response()
                diagnostics.add_error(str(error) or type(error).__name__)
            except Exception as error:
                _log.exception("the Terraform provider failed in %s", call.__name__)
                response = message.Response()
                diagnostics.add_error(f"the provider failed in {call.__name__}", f"{type(error).__name__}: {error}")
            response.diagnostics.extend(diagnostics.to_pb())
            return response

        return answer

    return wrap


class _Creation:
    """A creation in the journal, until its call has ended: answered, or because Terraform has gone away."""

    def __init__(self, journal: Journal, type_name: str, name: str) -> None:
        self._journal = journal
        self._key = (type_name, name)
        self.interrupted_ms = journal.begin(*self._key)
        self.answered = False

    def end(self) -> None:
        self._journal.end(*self._key, told=self.answered)


class ProviderServicer(rpc.ProviderServicer):  # type: ignore[misc]  # generated code without types
    """Serves every type of `Types` to any number of Terraform runs at once."""

    def __init__(self, types: Types, sessions: Sessions, journal: Journal | None = None) -> None:
        self._types = types
        self._sessions = sessions
        self._journal = journal

    @_answers(pb.GetMetadata)
    def GetMetadata(self, request: Request, context: Any, diagnostics: Diagnostics) -> Response:  # noqa: N802 - protocol
        metadata = pb.GetMetadata
        return metadata.Response(
            server_capabilities=_capabilities(),
            resources=[metadata.ResourceMetadata(type_name=name) for name in self._types.resources],
            data_sources=[metadata.DataSourceMetadata(type_name=name) for name in self._types.data_sources],
        )

    @_answers(pb.GetProviderSchema)
    def GetProviderSchema(self, request: Request, context: Any, diagnostics: Diagnostics) -> Response:  # noqa: N802
        response: Response = pb.GetProviderSchema.Response()
        response.CopyFrom(self._schemas)
        return response

    @functools.cached_property
    def _schemas(self) -> Response:
        return pb.GetProviderSchema.Response(
            provider=schema_message(self._types.provider),
            resource_schemas={name: schema_message(each.schema) for name, each in self._types.resources.items()},
            data_source_schemas={name: schema_message(each.schema) for name, each in self._types.data_sources.items()},
            server_capabilities=_capabilities(),
        )

    @_answers(pb.ValidateProviderConfig)
    def ValidateProviderConfig(self, request: Request, context: Any, diagnostics: Diagnostics) -> Response:  # noqa: N802
        return pb.ValidateProviderConfig.Response()

    @_answers(pb.ConfigureProvider)
    def ConfigureProvider(self, request: Request, context: Any, diagnostics: Diagnostics) -> Response:  # noqa: N802
        self._sessions.configure(context.peer(), decode(request.config) or {})
        return pb.ConfigureProvider.Response()

    @_answers(pb.ValidateResourceConfig)
    def ValidateResourceConfig(self, request: Request, context: Any, diagnostics: Diagnostics) -> Response:  # noqa: N802
        for problem in self._lifecycle(request.type_name).problems(self._decode(request.type_name, request.config)):
            diagnostics.add_error(problem)
        return pb.ValidateResourceConfig.Response()

    @_answers(pb.ValidateDataResourceConfig)
    def ValidateDataResourceConfig(self, request: Request, context: Any, diagnostics: Diagnostics) -> Response:  # noqa: N802
        return pb.ValidateDataResourceConfig.Response()

    @_answers(pb.UpgradeResourceState)
    def UpgradeResourceState(self, request: Request, context: Any, diagnostics: Diagnostics) -> Response:  # noqa: N802
        schema = self._types.resource(request.type_name).schema
        if request.version > schema.version:
            raise Refused(
                f"the state of {request.type_name} has schema version {request.version}, newer than the provider's"
            )
        raw = json.loads(request.raw_state.json)
        return pb.UpgradeResourceState.Response(upgraded_state=encode(raw, schema.block.type))

    @_answers(pb.ReadResource)
    def ReadResource(self, request: Request, context: Any, diagnostics: Diagnostics) -> Response:  # noqa: N802
        lifecycle = self._lifecycle(request.type_name)
        known = self._decode(request.type_name, request.current_state)
        state = lifecycle.refresh(self._api(context), known)
        return pb.ReadResource.Response(new_state=lifecycle.encode(state), private=request.private)

    @_answers(pb.PlanResourceChange)
    def PlanResourceChange(self, request: Request, context: Any, diagnostics: Diagnostics) -> Response:  # noqa: N802
        lifecycle = self._lifecycle(request.type_name)
        plan = lifecycle.plan(
            self._sessions.find(context.peer()),
            config=self._decode(request.type_name, request.config),
            prior=self._decode(request.type_name, request.prior_state),
            proposed=self._decode(request.type_name, request.proposed_new_state),
        )
        return pb.PlanResourceChange.Response(
            planned_state=lifecycle.encode(plan.state if plan else None),
            requires_replace=[path_message(path) for path in plan.replace] if plan else [],
            planned_private=request.prior_private,
            legacy_type_system=True,
        )

    @_answers(pb.ApplyResourceChange)
    def ApplyResourceChange(self, request: Request, context: Any, diagnostics: Diagnostics) -> Response:  # noqa: N802
        lifecycle = self._lifecycle(request.type_name)
        prior = self._decode(request.type_name, request.prior_state)
        planned = self._decode(request.type_name, request.planned_state)
        creation, name = None, name_of(planned or {})
        if prior is None and name and self._journal is not None:
            creation = _Creation(self._journal, request.type_name, name)
            context.add_callback(creation.end)
        outcome = lifecycle.apply(
            self._api(context),
            prior=prior,
            planned=planned,
            interrupted_ms=creation.interrupted_ms if creation else None,
        )
        if creation:
            creation.answered = True
        if outcome.problem:
            diagnostics.add_error(outcome.problem)
        if outcome.note:
            diagnostics.add_warning(outcome.note)
        return pb.ApplyResourceChange.Response(
            new_state=lifecycle.encode(outcome.state), private=request.planned_private, legacy_type_system=True
        )

    @_answers(pb.ImportResourceState)
    def ImportResourceState(self, request: Request, context: Any, diagnostics: Diagnostics) -> Response:  # noqa: N802
        lifecycle = self._lifecycle(request.type_name)
        state = lifecycle.import_(self._api(context), request.id)
        imported = pb.ImportResourceState.ImportedResource(type_name=request.type_name, state=lifecycle.encode(state))
        return pb.ImportResourceState.Response(imported_resources=[imported])

    @_answers(pb.MoveResourceState)
    def MoveResourceState(self, request: Request, context: Any, diagnostics: Diagnostics) -> Response:  # noqa: N802
        raise Refused(f"{request.source_type_name} cannot be moved to {request.target_type_name}")

    @_answers(pb.ReadDataSource)
    def ReadDataSource(self, request: Request, context: Any, diagnostics: Diagnostics) -> Response:  # noqa: N802
        source = self._types.data_source(request.type_name)
        kind = source.schema.block.type
        config = conform(decode(request.config), kind)
        try:
            state = {**config, **source.read(self._api(context), config)}
        except RestError as error:
            raise Refused(f"cannot read {source.label}: {error}") from error
        return pb.ReadDataSource.Response(state=encode(state, kind))

    @_answers(pb.GetFunctions)
    def GetFunctions(self, request: Request, context: Any, diagnostics: Diagnostics) -> Response:  # noqa: N802
        return pb.GetFunctions.Response()

    def CallFunction(self, request: Request, context: Any) -> Response:  # noqa: N802 - protocol
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the provider has no function {request.name}")

    def StopProvider(self, request: Request, context: Any) -> Response:  # noqa: N802 - protocol
        self._sessions.stop(context.peer())
        return pb.StopProvider.Response()

    def _lifecycle(self, type_name: str) -> Lifecycle:
        return Lifecycle(self._types.resource(type_name))

    def _api(self, context: Any) -> Api:
        return self._sessions.get(context.peer())

    def _decode(self, type_name: str, value: Any) -> Any:
        return conform(decode(value), self._types.resource(type_name).schema.block.type)


def _capabilities() -> Any:
    return pb.ServerCapabilities(get_provider_schema_optional=False)
