"""Check a pipeline job with the official KFP schema.

Reads PipelineJobs from standard input, one JSON document a line, and parses
every message strictly: unknown fields are errors. `pipelineSpec` and
`deploymentSpec` are free structs in the schema, so each is parsed again as what
it stands for. Prints one line per job: "ok" and the task names, or "refused".
"""

import json
import sys

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb


def check(job: dict) -> str:
    """The verdict about one job."""
    try:
        json_format.ParseDict(job, pb.PipelineJob())
        json_format.ParseDict(job["runtimeConfig"], pb.PipelineJob.RuntimeConfig())
        spec = json_format.ParseDict(job["pipelineSpec"], pb.PipelineSpec())
        json_format.ParseDict(job["pipelineSpec"]["deploymentSpec"], pb.PipelineDeploymentConfig())
    except json_format.ParseError as err:
        return "refused " + " ".join(str(err).split())
    if spec.schema_version != "2.1.0":
        return f"refused schemaVersion {spec.schema_version!r}"
    return "ok " + " ".join(sorted(spec.root.dag.tasks))


if __name__ == "__main__":
    for line in sys.stdin:
        print(check(json.loads(line)))
