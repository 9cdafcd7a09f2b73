"""Where the load balancer sends a path, and whom an alert tells."""

import re
import unittest

import plans
from facts import FUNCTIONS, ROOT, go


class Routes(unittest.TestCase):
    def setUp(self):
        rules = plans.plan().of("compute_url_map")["installation"]["path_matcher"][0]["route_rules"]
        self.rules = sorted(rules, key=lambda r: r["priority"])

    def route(self, path: str) -> tuple[str, str]:
        """The backend of a path, and the path it sees."""
        for r in self.rules:
            for m in r["match_rules"]:
                template = m["path_template_match"] and re.escape(m["path_template_match"]).replace(
                    r"\*", "[^/]+"
                )
                if m["full_path_match"]:
                    hit = path if path == m["full_path_match"] else None
                elif m["prefix_match"]:
                    hit = m["prefix_match"] if path.startswith(m["prefix_match"]) else None
                else:
                    hit = path if re.fullmatch(template, path) else None
                if hit is not None:
                    rewrite = (
                        r["route_action"]
                        and r["route_action"][0]["url_rewrite"][0]["path_prefix_rewrite"]
                    )
                    return r["service"], rewrite + path[len(hit) :] if rewrite else path
        raise AssertionError(f"{path} goes nowhere")

    def test_paths_of_the_catalogue(self):
        for name, f in FUNCTIONS.items():
            for p in f.get("paths", []):
                path = re.sub(r"\{\w+\}", "x1", p)
                self.assertEqual(self.route(path), (f"service/{name}", path))

    def test_functions_by_name(self):
        for name, f in FUNCTIONS.items():
            if f["kind"] != "event":
                self.assertEqual(self.route(f"/functions/{name}"), (f"service/{name}", "/"))
                self.assertEqual(
                    self.route(f"/functions/{name}/v1/etl/jobs/7/runs"),
                    (f"service/{name}", "/v1/etl/jobs/7/runs"),
                )

    def test_no_two_functions_have_a_path(self):
        shapes = {}
        for name, f in FUNCTIONS.items():
            for p in f.get("paths", []):
                shapes.setdefault(re.sub(r"\{\w+\}", "*", p), []).append(name)
        self.assertEqual({p: n for p, n in shapes.items() if len(n) > 1}, {})

    def test_the_page_may_ask_where_people_sign_in(self):
        """The policy is that of the box, whose page is tried in a browser, with Google's addresses."""
        here = go(
            "shared/platform/cloudbox/gateway.go", r'"(default-src .* connect-src \'self\' )"\+'
        )
        rest = go("shared/platform/cloudbox/gateway.go", r'"(; frame-ancestors .*)"\)')
        google = "https://identitytoolkit.googleapis.com https://securetoken.googleapis.com"
        for asked, variables in (
            (google, {}),
            (
                "https://id.example:8443",
                {"oidc_issuer": "https://id.example:8443/realms/a", "oidc_audience": ["page"]},
            ),
        ):
            plan = plans.planner().plan(**variables)
            headers = plan.of("compute_backend_bucket")["page"]["custom_response_headers"]
            self.assertIn(
                f"Content-Security-Policy: {here}https://storage.googleapis.com {asked}{rest}",
                headers,
            )
            env = plan.of("cloud_run_v2_service")["identity-api"]["template"][0]["containers"][0]
            names = {e["name"] for e in env["env"]}
            self.assertEqual("B2BRECS_IDENTITY_PLATFORM_KEY" in names, not variables)
        key = plans.plan().of("apikeys_key")["page"]["restrictions"][0]
        self.assertEqual(
            {t["service"] for t in key["api_targets"]}, {u[8:] for u in google.split(" ")}
        )
        self.assertTrue(key["browser_key_restrictions"][0]["allowed_referrers"])

    def test_the_rest_is_the_page(self):
        for path in ("/", "/index.html", "/assets/a-1.js", "/experiments/1", "/v1x"):
            self.assertEqual(self.route(path), ("bucket/page", path))
        self.assertTrue(self.route("/v1/nothing")[0].startswith("service/"))
        self.assertTrue(self.route("/functions/load-chunk")[0].startswith("service/"))
        policy = self.rules[-1]["custom_error_response_policy"][0]["error_response_rule"][0]
        self.assertEqual(
            (policy["match_response_codes"], policy["path"], policy["override_response_code"]),
            (["404"], "/index.html", 200),
        )

    def test_limits(self):
        """https://cloud.google.com/load-balancing/docs/url-map-concepts#wildcards-regx-dynamic-route"""
        for r in self.rules:
            for m in r["match_rules"]:
                t = m["path_template_match"] or ""
                self.assertTrue(len(t) <= 255 and t.count("*") <= 5, t)


class Alerts(unittest.TestCase):
    def test_a_playbook_for_each(self):
        files = {
            f.stem: f.read_text()
            for f in (ROOT / "docs/playbooks").glob("*.md")
            if f.stem != "README"
        }
        alerts = {
            n: a["documentation"][0]["content"]
            for n, a in plans.plan().of("monitoring_alert_policy").items()
        }
        budget = files.pop("budget")
        self.assertEqual(alerts, files)
        self.assertEqual(len(plans.plan().of("billing_budget")), 1)
        for name, text in (files | {"budget": budget}).items():
            # https://cloud.google.com/monitoring/quotas: 8 Ki characters of documentation
            self.assertLess(len(text.encode()), 8192, name)
            for heading in ("## What it means", "## What to look at", "## What to do"):
                self.assertIn(heading, text, name)

    def test_somebody_is_told(self):
        for name, a in plans.plan().of("monitoring_alert_policy").items():
            self.assertNotEqual(a.get("notification_channels"), [], name)
        absent = [
            c
            for c in plans.plan().of("monitoring_alert_policy")["no-progress"]["conditions"]
            if c["condition_absent"]
        ]
        self.assertEqual(len(absent), sum(bool(f.get("cron")) for f in FUNCTIONS.values()))
