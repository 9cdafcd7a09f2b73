"""A provider "google" for Terraform that knows the schema and no cloud.

Terraform validates and plans against it, so names, blocks, types and references are
checked by Terraform itself, and a plan tells what would be made. It plans from an empty
state: there is nothing to read, change or apply.

Attributes that Google chooses are unknown in a plan, as they are for the real provider.
With known set, those that follow from what was asked for are filled in, so that a test
can see who is meant.
"""

import contextlib
import json
import os
import pathlib
import re
import sys
import tempfile
from concurrent import futures

import grpc
import msgpack
from schema import Block, Package

UNKNOWN = msgpack.ExtType(0, b"\0")  # an unknown value, as Terraform writes it

_ACCOUNT = "{account_id}@{project}.iam.gserviceaccount.com"
# Attributes that follow from others. Only tests see them: a plan before the first apply
# knows none of them.
FOLLOWS = {
    "google_apikeys_key": {"key_string": "AIza-{name}"},
    "google_cloud_run_v2_service": {"uri": "https://{name}.a.run.app"},
    "google_compute_backend_bucket": {"id": "bucket/{name}"},
    "google_compute_backend_service": {"id": "service/{name}"},
    "google_compute_region_network_endpoint_group": {"id": "group/{name}"},
    "google_logging_project_sink": {"writer_identity": "serviceAccount:sink"},
    "google_project": {"number": "123456789012"},
    "google_project_iam_custom_role": {"name": "projects/{project}/roles/{role_id}"},
    "google_pubsub_topic": {"id": "projects/{project}/topics/{name}"},
    "google_service_account": {
        "email": _ACCOUNT,
        "id": "projects/{project}/serviceAccounts/" + _ACCOUNT,
        "member": "serviceAccount:" + _ACCOUNT,
        "name": "projects/{project}/serviceAccounts/" + _ACCOUNT,
    },
    "data.google_storage_project_service_account": {"email_address": "storage-agent"},
}


def _messages():
    from grpc_tools import protoc

    with tempfile.TemporaryDirectory() as out:
        here = str(pathlib.Path(__file__).parent)
        if protoc.main(
            ["", f"-I{here}", f"--python_out={out}", f"--grpc_python_out={out}", "tfplugin5.proto"]
        ):
            raise RuntimeError("the protocol's messages cannot be generated")
        sys.path.insert(0, out)
        import tfplugin5_pb2
        import tfplugin5_pb2_grpc

        sys.path.remove(out)
    return tfplugin5_pb2, tfplugin5_pb2_grpc


def used(folder: pathlib.Path) -> set[str]:
    """The types of resources and data sources that the files of a folder name."""
    out = set()
    for file in folder.rglob("*.tf"):
        for kind, name in re.findall(r'^(resource|data) "(google_\w+)"', file.read_text(), re.M):
            out.add(name if kind == "resource" else "data." + name)
    return out


@contextlib.contextmanager
def serving(package: Package, names: set[str]):
    """Serves the schema of some types; gives the servicer, and the environment that makes
    Terraform use it."""
    pb, rpc = _messages()
    schemas = {name: s for name in names if (s := package.schema(name)) is not None}
    server = grpc.server(
        futures.ThreadPoolExecutor(8), options=[("grpc.max_send_message_length", -1)]
    )
    servicer = _servicer(pb, rpc)(schemas)
    rpc.add_ProviderServicer_to_server(servicer, server)
    with tempfile.TemporaryDirectory() as folder:
        socket = folder + "/google.sock"
        server.add_insecure_port("unix:" + socket)
        server.start()
        address = {"Network": "unix", "String": socket}
        running = {
            "Protocol": "grpc",
            "ProtocolVersion": 5,
            "Pid": os.getpid(),
            "Test": True,
            "Addr": address,
        }
        reattach = {"registry.terraform.io/hashicorp/google": running}
        try:
            yield servicer, {"TF_REATTACH_PROVIDERS": json.dumps(reattach)}
        finally:
            server.stop(None)


def _servicer(pb, rpc):
    class Servicer(rpc.ProviderServicer):
        def __init__(self, schemas: dict[str, Block]):
            self.schemas = schemas
            self.known = False

        def GetSchema(self, request, context):
            out = pb.GetProviderSchema.Response()
            # The provider's own block: 250 addresses of services that nobody here sets.
            settings = {
                "project": "string",
                "region": "string",
                "billing_project": "string",
                "user_project_override": "bool",
            }
            optional = {"required": False, "optional": True, "computed": False}
            attributes = {name: optional | {"type": kind} for name, kind in settings.items()}
            out.provider.CopyFrom(_schema(pb, Block(attributes=attributes, blocks={})))
            for name, s in self.schemas.items():
                if name.startswith("data."):
                    out.data_source_schemas[name.removeprefix("data.")].CopyFrom(_schema(pb, s))
                else:
                    out.resource_schemas[name].CopyFrom(_schema(pb, s))
            return out

        def PrepareProviderConfig(self, request, context):
            return pb.PrepareProviderConfig.Response(prepared_config=request.config)

        def ValidateResourceTypeConfig(self, request, context):
            return pb.Validate.Response()

        ValidateDataSourceConfig = ValidateResourceTypeConfig

        def Configure(self, request, context):
            return pb.Configure.Response()

        def PlanResourceChange(self, request, context):
            planned = self.complete(request.type_name, _load(request.proposed_new_state))
            return pb.PlanResourceChange.Response(
                planned_state=_dump(pb, planned), legacy_type_system=True
            )

        def ReadDataSource(self, request, context):
            state = self.complete("data." + request.type_name, _load(request.config))
            return pb.ReadDataSource.Response(state=_dump(pb, state))

        def complete(self, name, value):
            """Fills in what Google would choose."""
            follows = FOLLOWS.get(name, {}) if self.known else {}
            for attribute, a in self.schemas[name]["attributes"].items():
                if a["computed"] and value and value.get(attribute) is None:
                    value[attribute] = (
                        follows[attribute].format(**value) if attribute in follows else UNKNOWN
                    )
            return value

        def Stop(self, request, context):
            return pb.Stop.Response()

    return Servicer


def _load(value):
    return msgpack.unpackb(value.msgpack, strict_map_key=False)


def _dump(pb, value):
    return pb.DynamicValue(msgpack=msgpack.packb(value))


def _schema(pb, s: Block):
    return pb.Schema(version=0, block=_block(pb, s))


def _block(pb, s: Block):
    out = pb.Schema.Block()
    for name, a in sorted(s["attributes"].items()):
        uses = {use: a[use] for use in ("required", "optional", "computed")}
        out.attributes.append(
            pb.Schema.Attribute(name=name, type=json.dumps(a["type"]).encode(), **uses)
        )
    for name, b in sorted(s["blocks"].items()):
        nested = pb.Schema.NestedBlock(
            type_name=name, nesting=b["nesting"], min_items=b["min"], max_items=b["max"]
        )
        nested.block.CopyFrom(_block(pb, b["block"]))
        out.block_types.append(nested)
    return out
