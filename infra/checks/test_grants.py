"""Each identity has the roles of its entry in the catalogue, and none else."""

import re
import unittest

import facts
import plans
from facts import PROJECT

FUNCTIONS = list(facts.FUNCTIONS.values())

# Role constants of the catalogue.
ROLES = re.findall(r'\bRole = "([^"]+)"', (plans.ROOT / "shared/platform/function.go").read_text())


def grants(plan: plans.Plan) -> dict[str, set[tuple[str, str]]]:
    """Function -> (where, role), out of every binding of the plan, whatever resource made it."""
    out = {}
    for kind, bindings in plan.resources.items():
        m = re.fullmatch(r"google_(.*)_iam_(?:member|binding|policy)", kind)
        if not m:
            continue
        for b in bindings.values():
            who = re.fullmatch(
                rf"serviceAccount:fn-(.+)@{PROJECT}\.iam\.gserviceaccount\.com", b.get("member", "")
            )
            if who:
                where = next(
                    b[k]
                    for k in (
                        "bucket",
                        "dataset_id",
                        "topic",
                        "subscription",
                        "service_account_id",
                        "name",
                        "project",
                    )
                    if k in b and (k != "project" or m[1] == "project")
                )
                where = where.replace(f"fn-{who[1]}@", "fn-self@")
                out.setdefault(who[1], set()).add((f"{m[1]} {where}", b["role"]))
    return out


def function(name: str, roles: list[str], **more) -> dict:
    return {
        "name": name,
        "summary": name,
        "kind": "call",
        "memory_mib": 256,
        "concurrency": 1,
        "timeout_seconds": 60,
        "roles": roles,
    } | more


class Grants(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # One function for each role, one with none, and those of the catalogue.
        cls.by_role = {f"role-{i}": r for i, r in enumerate(ROLES)}
        probes = [function(n, [r]) for n, r in cls.by_role.items()] + [function("role-none", [])]
        found = grants(plans.planner().plan(functions=FUNCTIONS + probes))
        cls.none = found.get("role-none", set())
        cls.of = {r: found[n] - cls.none for n, r in cls.by_role.items()}
        cls.real = grants(plans.plan())

    def test_every_role_gives_something(self):
        self.assertGreaterEqual(len(ROLES), 17)
        for r in ROLES:
            self.assertTrue(self.of[r], r)

    def test_no_role_gives_spans_alone(self):
        self.assertEqual(self.none, {(f"project {PROJECT}", "roles/telemetry.tracesWriter")})

    def test_each_function_has_its_roles_and_no_others(self):
        for f in FUNCTIONS:
            want = self.none.union(*(self.of[r] for r in f["roles"]))
            if f["kind"] == "event":
                want = want | {(f"pubsub_topic {f['name']}.dead", "roles/pubsub.publisher")}
            self.assertEqual(self.real.get(f["name"], set()), want, f["name"])
        self.assertLessEqual(set(self.real), {f["name"] for f in FUNCTIONS})

    def test_what_a_reader_may(self):
        for r in ROLES:
            if ".reader" in r:
                for where, role in self.of[r]:
                    self.assertRegex(role, r"([vV]iewer|jobUser|secret_reader)$", f"{r} on {where}")

    def test_nothing_is_wider_than_it_must_be(self):
        wide = {"roles/cloudscheduler.admin"}  # Google has no role for jobs without it
        for kind, bindings in plans.plan().resources.items():
            for address, b in bindings.items() if "_iam_" in kind else ():
                role = b.get("role")
                if role and role not in wide:
                    self.assertNotRegex(
                        role, r"(owner|editor|roles/viewer|[aA]dmin|tokenCreator)$", address
                    )
                if kind == "google_project_iam_member" and role:
                    self.assertNotRegex(
                        role,
                        r"roles/(storage|pubsub|secretmanager|run|workflows|iam)\.|bigquery\.data",
                        f"{address}: on the whole project",
                    )

    def test_secrets(self):
        for name, gs in self.real.items():
            roles = next(f["roles"] for f in FUNCTIONS if f["name"] == name)
            has = {role for _, role in gs if "secret_" in role}
            self.assertEqual(bool(has), any(r.startswith("secret.") for r in roles), name)
        custom = plans.plan().of("project_iam_custom_role")
        for role in custom.values():
            self.assertFalse(
                [p for p in role["permissions"] if p.endswith(".setIamPolicy") or "*" in p]
            )
        self.assertNotIn("secretmanager.versions.access", custom["secret_writer"]["permissions"])

    def test_who_acts_for_whom(self):
        accounts = {
            name: {w for w, _ in gs if w.startswith("service_account ")}
            for name, gs in self.real.items()
        }
        for f in FUNCTIONS:
            want = set()
            for role, account in {
                "pipeline.runner": "pipelines",
                "schedule.admin": "scheduler",
                "objects.writer:uploads": "fn-self",
            }.items():
                if role in f["roles"]:
                    want.add(
                        f"service_account projects/{PROJECT}/serviceAccounts/{account}@{PROJECT}.iam.gserviceaccount.com"
                    )
            self.assertEqual(accounts.get(f["name"], set()), want, f["name"])


class Broken(unittest.TestCase):
    """The checks fail when they should."""

    def refused(self, text, *edit, **how):
        with self.assertRaises(plans.Refused) as caught:
            plans.planner().plan(edit=edit, **how)
        self.assertIn(text, str(caught.exception))

    def test_an_attribute_that_is_not(self):
        self.refused(
            "enable_message_order",
            (
                "modules/client/events.tf",
                "enable_message_ordering = true",
                "enable_message_order = true",
            ),
        )

    def test_an_attribute_of_a_nested_block(self):
        self.refused(
            "max_attempts",
            ("modules/client/events.tf", "max_delivery_attempts = 10", "max_attempts = 10"),
        )

    def test_an_attribute_that_is_missing(self):
        self.refused(
            '"dataset_id" is required',
            ("modules/data/bigquery.tf", "dataset_id                  = each.key", ""),
        )

    def test_a_resource_that_is_not(self):
        self.refused(
            "google_pubsub_queue",
            (
                "modules/client/events.tf",
                'resource "google_pubsub_topic" "dead"',
                'resource "google_pubsub_queue" "dead"',
            ),
        )

    def test_a_role_without_a_row(self):
        self.refused(
            "local.roles is object with",
            (
                "modules/client/roles.tf",
                '    "secret.reader" = [{ on = "project", role = "custom:secret_reader" }]\n',
                "",
            ),
        )

    def test_a_role_too_many(self):
        p = plans.planner().plan(
            edit=[
                (
                    "modules/client/identities.tf",
                    'display_name = "Calls functions at their times"\n}',
                    """display_name = "Calls functions at their times"
}

resource "google_project_iam_member" "extra" {
  project = local.project
  role    = "roles/datastore.user"
  member  = google_service_account.function["watch"].member
}""",
                )
            ]
        )
        self.assertNotEqual(grants(p)["watch"], grants(plans.plan())["watch"])
