"""scripts/deploy and scripts/destroy with stand-ins for what they call."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Writes down how it was called. Images are there when the file images-there is;
# the state is empty until the first apply.
STAND_IN = r"""#!/bin/bash
printf '%s %s\n' "$(basename "$0")" "$*" >>"$CALLS"
case "$(basename "$0") $*" in
  "gcloud artifacts"*) [ -f "$CALLS.images" ] ;;
  "terraform"*" state list"*) [ ! -f "$CALLS.state" ] || echo module.data.google_project.client ;;
  "terraform"*" output -raw "*) echo "out-${@: -1}" ;;
  "go build"*) while [ $# -gt 0 ]; do [ "$1" != -o ] || echo binary >"$2"; shift; done ;;
esac
"""


class Scripts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name) / "repo"
        self.calls = pathlib.Path(folder.name) / "calls"
        self.bin = pathlib.Path(folder.name) / "bin"
        self.bin.mkdir()
        (self.root / "scripts").mkdir(parents=True)
        (self.root / "frontend/dist/assets").mkdir(parents=True)
        for name in ("scripts/deploy", "scripts/destroy", "scripts/deploy-unit"):
            shutil.copy(ROOT / name, self.root / name)
        shutil.copytree(
            ROOT / "infra",
            self.root / "infra",
            ignore=shutil.ignore_patterns("checks", ".terraform", "*.tfvars"),
        )
        shutil.copytree(
            ROOT / "shared/pipeline/runtime",
            self.root / "shared/pipeline/runtime",
            ignore=shutil.ignore_patterns("__pycache__", "tests", ".*_cache"),
        )
        live = self.root / "infra/terraform/live"
        for source, name in (("example", "acme"), ("platform", "platform")):
            if source != name:
                shutil.copytree(live / source, live / name)
            shutil.copy(live / name / "terraform.tfvars.example", live / name / "terraform.tfvars")
        for tool in ("terraform", "gcloud", "go", "npm"):
            self.tool(tool)

    def tool(self, name):
        (self.bin / name).write_text(STAND_IN)
        (self.bin / name).chmod(0o755)

    def run_script(self, script, *arguments, typed="", code=0):
        """What was called, in order."""
        self.calls.write_text("")
        # Only what a Debian has anyway, and the stand-ins.
        path = f"{self.bin}:/usr/bin:/bin"
        r = subprocess.run(
            [self.root / "scripts" / script, *arguments],
            env={"PATH": path, "CALLS": str(self.calls), "HOME": "/nonexistent"},
            input=typed,
            capture_output=True,
            text=True,
        )
        self.assertEqual(r.returncode, code, r.stderr)
        self.said = r.stderr
        return self.calls.read_text().splitlines()

    def test_a_plan_changes_nothing(self):
        calls = self.run_script("deploy", "acme")
        self.assertEqual([c.split()[0] for c in calls], ["terraform", "go", "terraform"])
        self.assertIn(" plan ", calls[-1])
        self.assertFalse([c for c in calls if re.search(r"apply|submit|rsync", c)])

    def test_the_first_apply(self):
        calls = self.run_script("deploy", "acme", "--apply", "--yes")
        self.assertEqual(sum("builds submit" in c for c in calls), 2)
        applies = [c for c in calls if " apply " in c]
        self.assertIn("-target=module.data", applies[0])
        self.assertNotIn("-target", applies[1])
        agents = [c for c in calls if "identity create" in c]
        self.assertTrue(calls.index(applies[0]) < calls.index(agents[0]) < calls.index(applies[1]))
        pages = [c for c in calls if "rsync" in c]
        self.assertIn("gs://out-page_bucket/assets", pages[0])
        self.assertIn("no-cache", pages[1])

    def test_the_second_apply_builds_nothing(self):
        first = self.run_script("deploy", "acme", "--apply")
        pathlib.Path(f"{self.calls}.images").touch()
        pathlib.Path(f"{self.calls}.state").touch()
        calls = self.run_script("deploy", "acme", "--apply")
        self.assertFalse(
            [c for c in calls if "submit" in c or "-target" in c or "identity create" in c]
        )
        tags = [
            re.findall(r"_tag=\w+", next(c for c in cs if " apply " in c)) for cs in (first, calls)
        ]
        self.assertEqual(tags[0], tags[1])
        self.assertFalse([c for c in calls if "-auto-approve" in c])

    def test_tags_follow_the_content(self):
        before = self.run_script("deploy", "acme")[-1]
        file = self.root / "shared/pipeline/runtime/b2brecs_runtime/__init__.py"
        file.write_text(file.read_text() + "\n# changed\n")
        after = self.run_script("deploy", "acme")[-1]
        tag = re.compile(r"(function|pipeline)_tag=(\w{16})")
        before, after = dict(tag.findall(before)), dict(tag.findall(after))
        self.assertEqual(before["function"], after["function"])
        self.assertNotEqual(before["pipeline"], after["pipeline"])

    def test_platform(self):
        self.assertIn(" plan ", self.run_script("deploy", "platform")[-1])
        self.assertIn(" apply ", self.run_script("deploy", "platform", "--apply", "--yes")[-1])

    def test_what_is_missing(self):
        for name in ("terraform", "gcloud", "go"):
            if shutil.which(name, path="/usr/bin:/bin"):
                continue  # a stand-in that is taken away shows the real one
            (self.bin / name).unlink()
            self.assertEqual(self.run_script("deploy", "acme", code=3), [])
            self.assertIn(f"{name} is missing", self.said)
            self.tool(name)
        (self.root / "infra/terraform/live/acme/terraform.tfvars").unlink()
        self.run_script("deploy", "acme", code=3)
        self.run_script("deploy", "nobody", code=4)
        self.run_script("destroy", "nobody", code=4)

    def test_wrong_requests(self):
        for arguments in (
            [],
            ["example"],
            ["../acme"],
            ["acme; touch x"],
            ["$(id)"],
            ["acme", "--aply"],
            ["acme", "other"],
        ):
            for script in ("deploy", "destroy") if arguments != ["example"] else ("deploy",):
                self.assertEqual(
                    self.run_script(script, *arguments, code=2), [], (script, arguments)
                )

    def test_settings_are_no_shell(self):
        file = self.root / "infra/terraform/live/acme/terraform.tfvars"
        file.write_text(file.read_text().replace('"acme-b2brecs-platform"', '"$(touch x)"'))
        for script in ("deploy", "destroy"):
            self.assertEqual(self.run_script(script, "acme", code=2), [])

    def test_destroy_keeps_data(self):
        calls = self.run_script("destroy", "acme", typed="acme\n")
        self.assertTrue(
            all("-target=module.client" in c and "destroy_data" not in c for c in calls[1:]), calls
        )
        self.assertIn(" destroy ", calls[-1])

    def test_destroy_with_data(self):
        calls = self.run_script("destroy", "acme", "--with-data", typed="acme\n")
        self.assertTrue(all("destroy_data=true" in c for c in calls[1:]), calls)
        self.assertEqual(
            [re.search(r" (plan|apply|destroy) ", c)[1] for c in calls[1:]],
            ["plan", "apply", "destroy"],
        )
        self.assertIn("-target=module.data", calls[2])
        self.assertNotIn("-target", calls[3])

    def test_destroy_asks(self):
        for typed in ("", "yes\n", "Acme\n", "acme x\n"):
            calls = self.run_script("destroy", "acme", "--with-data", typed=typed, code=2)
            self.assertFalse([c for c in calls if re.search(r" (apply|destroy) ", c)], typed)
        self.run_script("destroy", "platform", typed="platform\n", code=2)
