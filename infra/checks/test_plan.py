"""What a plan makes of the catalogue, the workflows and the data."""

import json
import re
import unittest

import plans
from facts import FUNCTIONS, PROJECT, ROOT, go


class Plans(unittest.TestCase):
    def test_before_the_first_apply(self):
        """Nothing is known then of what Google chooses, and the plan is complete all the same."""
        plans.planner().plan("platform", known=False)
        plans.planner().plan(known=False)
        plans.planner().plan(
            known=False,
            static_egress=True,
            monthly_budget=None,
            oidc_issuer="https://id.example",
            oidc_audience=["a", "b"],
            destroy_data=True,
        )

    def test_destroy_data_alone_gives_data_away(self):
        for yes in (False, True):
            p = plans.planner().plan(destroy_data=yes)
            for name, b in p.of("storage_bucket", "data").items():
                self.assertEqual(b["force_destroy"], yes, name)
            for name, d in p.of("bigquery_dataset").items():
                self.assertEqual(d["delete_contents_on_destroy"], yes, name)
            self.assertEqual(
                p.of("firestore_database")["state"]["delete_protection_state"],
                f"DELETE_PROTECTION_{'DIS' if yes else 'EN'}ABLED",
            )
            self.assertEqual(
                p.of("project")["client"]["deletion_policy"], "DELETE" if yes else "PREVENT"
            )

    def test_names(self):
        for a in plans.plan().of("service_account").values():
            self.assertRegex(a["account_id"], r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$")
        for kind in ("pubsub_topic", "pubsub_subscription"):
            for r in plans.plan().of(kind).values():
                self.assertRegex(r["name"], r"^(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}$")
        for r in plans.plan().of("cloud_run_v2_service").values():
            self.assertRegex(r["name"], r"^[a-z][a-z0-9-]{0,47}[a-z0-9]$")


class Functions(unittest.TestCase):
    def test_each_has_its_service(self):
        services = plans.plan().of("cloud_run_v2_service")
        self.assertEqual(set(services), set(FUNCTIONS))
        for name, f in FUNCTIONS.items():
            t = services[name]["template"][0]
            c = t["containers"][0]
            self.assertEqual(t["service_account"], f"fn-{name}@{PROJECT}.iam.gserviceaccount.com")
            self.assertEqual(t["max_instance_request_concurrency"], f["concurrency"])
            self.assertEqual(c["resources"][0]["limits"]["memory"], f"{f['memory_mib']}Mi")
            self.assertGreaterEqual(int(t["timeout"][:-1]), f["timeout_seconds"])
            self.assertEqual(services[name]["invoker_iam_disabled"], f["kind"] != "event", name)
            self.assertNotEqual(services[name]["ingress"], "INGRESS_TRAFFIC_ALL")

    def test_the_environment_is_what_the_code_reads(self):
        source = (ROOT / "shared/platform/cloud/config.go").read_text()
        buckets = {f"B2BRECS_BUCKET_{b}" for b in ("UPLOADS", "STAGING", "PIPELINES")}
        needed = set(re.findall(r'need\("(B2BRECS_\w+)"\)', source)) | buckets
        read = set(re.findall(r'getenv\("(B2BRECS_\w+)"\)', source)) | needed
        table = set(
            re.findall(r"^\| `(B2BRECS_\w+)` \|", (ROOT / "docs/deploy.md").read_text(), re.M)
        )
        self.assertEqual(table, read, "the table of docs/deploy.md")
        for name, s in plans.plan().of("cloud_run_v2_service").items():
            env = {e["name"]: e["value"] for e in s["template"][0]["containers"][0]["env"]}
            ours = {k for k in env if k.startswith("B2BRECS_")}
            self.assertLessEqual(needed, ours, name)
            self.assertLessEqual(ours, read, name)
            self.assertTrue(all(env.values()), name)
            self.assertEqual(env["FUNCTION_TARGET"], name)
            self.assertEqual(
                env["OTEL_EXPORTER_OTLP_ENDPOINT"], "https://telemetry.googleapis.com"
            )
            self.assertEqual(
                "B2BRECS_SIGNING_ACCOUNT" in env,
                "objects.writer:uploads" in FUNCTIONS[name]["roles"],
                name,
            )
            services = env["B2BRECS_SERVICE_ACCOUNTS"].split(",")
            self.assertIn(env["B2BRECS_SCHEDULER_ACCOUNT"], services)
            for w in plans.plan().of("workflows_workflow"):
                self.assertIn(f"wf-{w}@{PROJECT}.iam.gserviceaccount.com", services)

    def test_functions_that_call_others_are_trusted(self):
        calling = set()
        for file in (ROOT / "functions").glob("*/*.go"):
            if not file.name.endswith("_test.go") and re.search(
                r'FunctionsURL\s*\+\s*"/', file.read_text()
            ):
                calling.add(next(n for n in FUNCTIONS if n.replace("-", "") == file.parent.name))
        env = plans.plan().of("cloud_run_v2_service")["watch"]["template"][0]["containers"][0][
            "env"
        ]
        services = next(e["value"] for e in env if e["name"] == "B2BRECS_SERVICE_ACCOUNTS").split(
            ","
        )
        self.assertEqual(
            {s for s in services if s.startswith("fn-")},
            {f"fn-{n}@{PROJECT}.iam.gserviceaccount.com" for n in calling},
        )


class Workflows(unittest.TestCase):
    def test_deployed_as_they_are(self):
        files = {f.stem: f.read_text() for f in (ROOT / "workflows-yaml").glob("*.yaml")}
        deployed = plans.plan().of("workflows_workflow")
        self.assertEqual({n: w["source_contents"] for n, w in deployed.items()}, files)
        for name, text in files.items():
            self.assertIn(f"/wf-{name}@", deployed[name]["service_account"])
            for function in re.findall(r'functions_url \+ "/([\w-]+)"', text):
                self.assertEqual(FUNCTIONS[function]["kind"], "call", f"{name} calls {function}")

    def test_times(self):
        jobs = plans.plan().of("cloud_scheduler_job")
        self.assertEqual(
            {n: j["schedule"] for n, j in jobs.items()},
            {n: f["cron"] for n, f in FUNCTIONS.items() if f.get("cron")},
        )
        reserved = go("shared/schedule/cloudscheduler/driver.go", r'const Prefix = "([^"]+)"')
        for name, j in jobs.items():
            self.assertFalse(j["name"].startswith(reserved))
            self.assertEqual(
                j["http_target"][0]["uri"], f"https://recs.client.example/functions/{name}"
            )
            self.assertIn(
                "scheduler@", j["http_target"][0]["oidc_token"][0]["service_account_email"]
            )


class Data(unittest.TestCase):
    def test_datasets(self):
        driver, names = "shared/warehouse/bigquery/driver.go", "shared/warehouse/warehouse.go"
        want = {
            go(driver, r'Ledger\s+= "(\w+)"'),
            go(driver, r'Staging\s+= "(\w+)"'),
            go(names, r'\bRaw\s+= "(\w+)"'),
            go(names, r'\bML\s+= "(\w+)"'),
        }
        self.assertEqual(set(plans.plan().of("bigquery_dataset")), want)

    def test_indexes(self):
        file = json.loads((ROOT / "shared/state/firestore/indexes.json").read_text())
        have = [
            [(f["field_path"], f["order"]) for f in i["fields"]]
            for i in plans.plan().of("firestore_index").values()
        ]
        self.assertCountEqual(
            have, [[(f["fieldPath"], f["order"]) for f in i["fields"]] for i in file["indexes"]]
        )
        fields = {
            f["field"]: len(f["index_config"][0]["indexes"])
            for f in plans.plan().of("firestore_field").values()
        }
        self.assertEqual(
            fields, {o["fieldPath"]: len(o["indexes"]) for o in file["fieldOverrides"]}
        )

    def test_uploads_from_the_page(self):
        for name, b in plans.plan().of("storage_bucket", "data").items():
            cors = b["cors"]
            self.assertEqual(bool(cors), name == "uploads")
            if cors:
                self.assertEqual(
                    (cors[0]["origin"], cors[0]["method"]),
                    (["https://recs.client.example"], ["PUT"]),
                )
                self.assertEqual(
                    set(cors[0]["response_header"]), {"Content-Type", "x-goog-content-length-range"}
                )
        self.assertEqual(
            {
                n
                for n, b in plans.plan().of("storage_bucket").items()
                if b.get("public_access_prevention") != "enforced"
            },
            {"page"},
        )
