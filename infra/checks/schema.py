"""Reads the schema of Google resources out of the npm package @cdktf/provider-google.

The package is generated from the provider's own schema: for every resource it says the
names, kinds and types of attributes and blocks, and which are required or computed. The
provider itself comes from a registry that is not everywhere to be reached.

Not in the package, hence not checked: allowed values, conflicts between attributes, and
the inner types of attributes that are computed alone.
"""

import pathlib
import re

SCALARS = {"string": "string", "number": "number", "boolean": "bool"}
GETTERS = {"String": "string", "Number": "number", "Boolean": "bool", "List": ["list", "string"]}

_ENTRY = re.compile(
    r"^ {8,12}(\w+): \{\n +value: (.+),\n +isBlock: (true|false),\n +type: \"(\w+)\",\n +storageClassType: \"(\w+)\",\n",
    re.M,
)
_USE = re.compile(r"// (\w+) - computed: (\w+), optional: (\w+), required: (\w+)")


class Block(dict):
    """attributes: {type, required, optional, computed} and blocks: {block, nesting, min, max}, by name."""


class Package:
    """The unpacked npm package."""

    def __init__(self, folder: pathlib.Path):
        self.lib = folder / "lib"
        if not self.lib.is_dir():
            raise FileNotFoundError(f"{folder} is not the package @cdktf/provider-google")

    def schema(self, name: str) -> Block | None:
        """The schema of "google_pubsub_topic", "data.google_project" or "provider"; None: there is none."""
        data = name.startswith("data.")
        short = name.removeprefix("data.").removeprefix("google_").replace("_", "-")
        file = self.lib / (("data-google-" if data else "") + short) / "index.js"
        return (
            _Module(file.read_text(), file.with_suffix(".d.ts").read_text()).top()
            if file.is_file()
            else None
        )


class _Module:
    def __init__(self, text: str, types: str):
        self.interfaces = {
            m[1]: m[2]
            for m in re.finditer(r"^export interface (\w+) [^\n]*\n(.*?)^\}", types, re.M | re.S)
        }
        self.classes = {
            m[1]: m[2]
            for m in re.finditer(r"^class (\w+) extends [^\n]*\n(.*?)^\}", text, re.M | re.S)
        }
        self.functions = {
            m[1]: m[2]
            for m in re.finditer(
                r"^function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}", text, re.M | re.S
            )
        }
        self.text = text

    def top(self) -> Block:
        name = re.search(
            r"^class (\w+) extends cdktf\.Terraform(Resource|DataSource|Provider) ", self.text, re.M
        )[1]
        body = self.classes[name]
        written = body[body.index("synthesizeHclAttributes()") :]
        return self._block(written, body, self.interfaces[name + "Config"], computed=True)

    def _nested(self, function: str) -> Block:
        name = function[0].upper() + function[1:]
        return self._block(
            self.functions[function],
            self.classes.get(name + "OutputReference", ""),
            self.interfaces[name],
            computed=False,
        )

    def _block(self, written: str, body: str, interface: str, computed: bool) -> Block:
        """computed: what is left out may be the provider's choice; the package does not tell."""
        uses = {m[1]: tuple(x == "true" for x in m.groups()[1:]) for m in _USE.finditer(body)}
        given = {
            m[1].lower(): not m[2]
            for m in re.finditer(r"^    readonly (\w+)(\??):", interface, re.M)
        }
        out = Block(attributes={}, blocks={})
        for m in _ENTRY.finditer(written):
            name, value, block, kind, storage = m.groups()
            required = given[name.replace("_", "")]
            if block == "false":
                out["attributes"][name] = {
                    "type": _type(kind, storage),
                    "required": required,
                    "optional": not required,
                    "computed": computed and not required,
                }
                continue
            inner = re.search(r"(\w+)ToHclTerraform", value)[1]
            many = "listMapperHcl" in value
            out["blocks"][name] = {
                "block": self._nested(inner),
                "nesting": {"struct": 1, "list": 2, "set": 3}[kind],
                "min": 1 if required else 0,
                "max": 0 if many or kind == "struct" else 1,
            }
        for name, use in uses.items():
            if name not in out["attributes"] and name not in out["blocks"]:
                if use != (True, False, False):
                    raise ValueError(f"{name} can be written, and the package does not say how")
                getter = re.search(rf"get(\w+)Attribute\('{name}'\)", body)
                kind = GETTERS.get(getter[1], "dynamic") if getter else "dynamic"
                out["attributes"][name] = {
                    "type": kind,
                    "required": False,
                    "optional": False,
                    "computed": True,
                }
        return out


def _type(kind: str, storage: str):
    if kind == "simple":
        return SCALARS[storage]
    inner = re.fullmatch(r"(string|number|boolean)(List|Map)", storage)
    if kind in ("list", "set", "map") and inner:
        return [kind, SCALARS[inner[1]]]
    return "dynamic"
