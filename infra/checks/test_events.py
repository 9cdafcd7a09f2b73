"""Topics, queues and dead letters, as shared/events/pubsub describes them."""

import re
import unittest

import plans
from facts import EVENTS, FUNCTIONS, PROJECT, ROOT, go


class Events(unittest.TestCase):
    def test_each_has_its_queue(self):
        p = plans.plan()
        queues = {
            s["name"]: s
            for kind in ("function", "dead")
            for s in p.of("pubsub_subscription", kind).values()
        }
        self.assertEqual(set(queues), set(EVENTS) | {f"{n}.dead" for n in EVENTS})
        topics = {
            t["name"] for kind in ("topic", "dead") for t in p.of("pubsub_topic", kind).values()
        }
        for name, f in EVENTS.items():
            q, dead = queues[name], queues[name + ".dead"]
            source = "pipeline-job-log" if f["topic"] == "pipeline-noticed" else f["topic"]
            self.assertIn(source, topics)
            self.assertEqual(q["topic"], f"projects/{PROJECT}/topics/{source}")
            self.assertTrue(q["enable_message_ordering"])
            self.assertTrue(min(f["timeout_seconds"], 600) <= q["ack_deadline_seconds"] <= 600)
            push = q["push_config"][0]
            self.assertEqual(
                push["push_endpoint"],
                f"https://{name}.a.run.app/projects/{PROJECT}/topics/{source}",
            )
            self.assertEqual(push["oidc_token"][0]["audience"], f"https://{name}.a.run.app")
            self.assertEqual(
                q["dead_letter_policy"][0]["dead_letter_topic"],
                f"projects/{PROJECT}/topics/{name}.dead",
            )
            self.assertEqual(dead["ack_deadline_seconds"], 60)
            self.assertEqual(dead["message_retention_duration"], f"{31 * 24 * 3600}s")
            for s in (q, dead):
                self.assertEqual(s["expiration_policy"][0]["ttl"], "")

    def test_the_function_gives_up_before_pubsub(self):
        own = int(go("shared/events/events.go", r"const MaxAttempts = (\d+)"))
        for s in plans.plan().of("pubsub_subscription", "function").values():
            self.assertGreater(s["dead_letter_policy"][0]["max_delivery_attempts"], own)

    def test_only_the_pusher_gets_in(self):
        invokers = plans.plan().of("cloud_run_v2_service_iam_member")
        self.assertEqual(
            {b["name"]: b["member"] for b in invokers.values()},
            dict.fromkeys(EVENTS, f"serviceAccount:pusher@{PROJECT}.iam.gserviceaccount.com"),
        )

    def test_pubsub_may_forward(self):
        agent = "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
        p = plans.plan()
        publisher, subscriber = (
            p.of("pubsub_topic_iam_member", "forwarder"),
            p.of("pubsub_subscription_iam_member", "forwarder"),
        )
        for name in EVENTS:
            self.assertEqual(
                (publisher[name]["topic"], publisher[name]["member"], publisher[name]["role"]),
                (name + ".dead", agent, "roles/pubsub.publisher"),
            )
            self.assertEqual(
                (
                    subscriber[name]["subscription"],
                    subscriber[name]["member"],
                    subscriber[name]["role"],
                ),
                (name, agent, "roles/pubsub.subscriber"),
            )

    def test_buckets_announce(self):
        want = {f["bucket"]: f["topic"] for f in EVENTS.values() if f.get("bucket")}
        notes = plans.plan().of("storage_notification")
        self.assertEqual(set(notes), set(want))
        for bucket, topic in want.items():
            n = notes[bucket]
            self.assertEqual(
                (n["bucket"], n["topic"], n["payload_format"], n["event_types"]),
                (
                    f"{PROJECT}-{bucket}",
                    f"projects/{PROJECT}/topics/{topic}",
                    "JSON_API_V1",
                    ["OBJECT_FINALIZE"],
                ),
            )

    def test_what_google_feeds(self):
        """The log sink's entries, in Google's words; and a bucket that nothing listens to yet."""
        base = {
            "summary": "x",
            "kind": "event",
            "memory_mib": 256,
            "concurrency": 1,
            "timeout_seconds": 900,
            "roles": ["event.publisher"],
        }
        more = [
            base | {"name": "take-notice", "topic": "pipeline-noticed"},
            base
            | {
                "name": "take-progress",
                "topic": "object-finalized-pipelines",
                "bucket": "pipelines",
            },
        ]
        p = plans.planner().plan(functions=[*FUNCTIONS.values(), *more])
        queues = p.of("pubsub_subscription", "function")
        self.assertEqual(
            queues["take-notice"]["topic"], f"projects/{PROJECT}/topics/pipeline-job-log"
        )
        self.assertTrue(
            queues["take-notice"]["push_config"][0]["push_endpoint"].endswith(
                "/topics/pipeline-job-log"
            )
        )
        self.assertEqual(queues["take-notice"]["ack_deadline_seconds"], 600)
        self.assertEqual(
            p.of("storage_notification")["pipelines"]["topic"],
            f"projects/{PROJECT}/topics/object-finalized-pipelines",
        )
        published = {k.split("|")[1] for k in p.of("pubsub_topic_iam_member", "function")}
        self.assertFalse(
            {
                t
                for t in published
                if t.startswith("object-finalized-")
                or t in ("pipeline-noticed", "pipeline-job-log")
            }
        )

    def test_every_topic_of_the_code_is_there(self):
        topics = {t["name"] for t in plans.plan().of("pubsub_topic", "topic").values()}
        found = set()
        for folder in ("shared", "functions"):
            for file in (ROOT / folder).rglob("*.go"):
                if not file.name.endswith("_test.go") and "test" not in file.parent.name:
                    found |= set(
                        re.findall(r'events\.Topic\[\w+\]\{Name: "([a-z-]+)",', file.read_text())
                    )
        self.assertGreaterEqual(len(found), 5)
        self.assertEqual(found - topics - {"pipeline-noticed"}, set())

    def test_the_log_sink(self):
        notice = "shared/pipeline/vertex/notice.go"
        sink = plans.plan().of("logging_project_sink")["pipelines"]
        self.assertEqual(sink["filter"], go(notice, r"LogFilter = `([^`]+)`"))
        self.assertEqual(
            sink["destination"],
            f"pubsub.googleapis.com/projects/{PROJECT}/topics/"
            + go("shared/pipeline/changes.go", r'LogTopic = "([^"]+)"'),
        )
