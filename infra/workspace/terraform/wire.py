"""Schemas and values in the form of Terraform's plugin protocol 6."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgpack
from tf.gen import tfplugin_pb2 as pb
from tf.types import Unknown
from tf.utils import to_dynamic_value

from infra.workspace.terraform.schemas import Attribute, Block, Schema, Type

Value = Any
"""A decoded Terraform value: None, bool, int, float, str, list, dict or `Unknown`."""

PathStep = str | int
_BLOCK_NESTING = {
    "list": pb.Schema.NestedBlock.LIST,
    "set": pb.Schema.NestedBlock.SET,
    "single": pb.Schema.NestedBlock.SINGLE,
}
_ATTRIBUTE_NESTING = {
    "list": pb.Schema.Object.LIST,
    "set": pb.Schema.Object.SET,
    "map": pb.Schema.Object.MAP,
    "single": pb.Schema.Object.SINGLE,
}


def schema_message(schema: Schema) -> Any:
    """The protocol's message for a schema."""
    return pb.Schema(version=schema.version, block=_block_message(schema.block))


def _block_message(block: Block) -> Any:
    return pb.Schema.Block(
        attributes=[_attribute_message(name, each) for name, each in block.attributes.items()],
        block_types=[
            pb.Schema.NestedBlock(
                type_name=name,
                block=_block_message(each.block),
                nesting=_BLOCK_NESTING[each.nesting],
                min_items=each.least,
                max_items=each.most,
            )
            for name, each in block.blocks.items()
        ],
    )


def _attribute_message(name: str, attribute: Attribute) -> Any:
    message = pb.Schema.Attribute(
        name=name,
        required=attribute.required,
        optional=attribute.optional,
        computed=attribute.computed,
        sensitive=attribute.sensitive,
    )
    if attribute.nested and attribute.block:
        members = [_attribute_message(each, inner) for each, inner in attribute.block.attributes.items()]
        message.nested_type.CopyFrom(pb.Schema.Object(attributes=members, nesting=_ATTRIBUTE_NESTING[attribute.nested]))
    else:
        message.type = json.dumps(attribute.type).encode()
    return message


def decode(value: Any) -> Value:
    """A `DynamicValue` as plain Python; absent is None."""
    if value.json:
        return json.loads(value.json)
    return _deflate(msgpack.unpackb(value.msgpack, ext_hook=_unknown)) if value.msgpack else None


def _unknown(code: int, data: bytes) -> Value:
    """Every extension stands for an unknown value; code 12 also carries what is known of it (not null, a prefix)."""
    return Unknown


def _deflate(value: Value) -> Value:
    """Whole floats become ints: msgpack sends large numbers as floats or strings, REST wants integers."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_deflate(each) for each in value]
    if isinstance(value, dict):
        return {name: _deflate(each) for name, each in value.items()}
    return value


def encode(value: Value, kind: Type) -> Any:
    """A value as `DynamicValue`, conformed to its type: members that are missing are null, others are left out."""
    return to_dynamic_value(conform(value, kind))


def conform(value: Value, kind: Type) -> Value:
    """The value in the shape that the type demands. ValueError when it cannot be brought into it."""
    if value is None or value is Unknown:
        return value
    if isinstance(kind, str):
        return _primitive(value, kind)
    outer, inner = kind
    if outer == "object":
        return {name: conform(value.get(name), member) for name, member in inner.items()}
    if outer == "map":
        return {name: conform(each, inner) for name, each in value.items()}
    return [conform(each, inner) for each in value]


def _primitive(value: Value, kind: str) -> Value:
    if kind == "string":
        if isinstance(value, bool):
            return "true" if value else "false"
        return value if isinstance(value, str) else str(value)
    if kind == "number":
        return value if isinstance(value, int | float) and not isinstance(value, bool) else _number(value)
    if kind == "bool":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    return value


def _number(value: Value) -> int | float:
    try:
        return int(value)
    except ValueError:
        return float(value)


def path_message(path: Sequence[PathStep]) -> Any:
    """The protocol's attribute path of names and list indexes."""
    steps = [
        pb.AttributePath.Step(attribute_name=step)
        if isinstance(step, str)
        else pb.AttributePath.Step(element_key_int=step)
        for step in path
    ]
    return pb.AttributePath(steps=steps)


def has_unknown(value: Value) -> bool:
    """Whether anything inside is not known before apply."""
    if value is Unknown:
        return True
    members: Iterable[Value] = ()
    if isinstance(value, dict):
        members = value.values()
    elif isinstance(value, list):
        members = value
    return any(has_unknown(each) for each in members)


def without_unknown(value: Value) -> Value:
    """The same value with null for what is unknown."""
    if value is Unknown:
        return None
    if isinstance(value, dict):
        return {name: without_unknown(each) for name, each in value.items()}
    if isinstance(value, list):
        return [without_unknown(each) for each in value]
    return value
