"""Check a pipeline job with the official KFP schema.

Reads a PipelineJob as JSON from standard input and parses every message
strictly: unknown fields are errors. `pipelineSpec` and `deploymentSpec` are
free structs in the schema, so each is parsed again as what it stands for.
Exits 0 and prints the task names, or 1 with the reason.
"""

import json
import sys

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb


def main() -> int:
    job = json.load(sys.stdin)
    try:
        json_format.ParseDict(job, pb.PipelineJob())
        json_format.ParseDict(job["runtimeConfig"], pb.PipelineJob.RuntimeConfig())
        spec = json_format.ParseDict(job["pipelineSpec"], pb.PipelineSpec())
        json_format.ParseDict(job["pipelineSpec"]["deploymentSpec"], pb.PipelineDeploymentConfig())
    except json_format.ParseError as err:
        print(err, file=sys.stderr)
        return 1
    if spec.schema_version != "2.1.0":
        print(f"schemaVersion {spec.schema_version!r}", file=sys.stderr)
        return 1
    print(" ".join(sorted(spec.root.dag.tasks)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
