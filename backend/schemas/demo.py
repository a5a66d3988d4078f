"""The demo's switches."""

from __future__ import annotations

from marshmallow import Schema, fields, validate


class DemoModeSchema(Schema):
    """How an upstream shall behave."""

    mode = fields.String(required=True, validate=validate.Length(1, 30))


class DemoUpstreamSchema(Schema):
    """A simulated upstream."""

    name = fields.String(required=True)
    title = fields.String(required=True)
    mode = fields.String(required=True)
    modes = fields.List(fields.String(), required=True)
    requests = fields.Integer(required=True)
    address = fields.String(required=True)


class DemoUpstreamsSchema(Schema):
    """All simulated upstreams."""

    upstreams = fields.List(fields.Nested(DemoUpstreamSchema), required=True)
