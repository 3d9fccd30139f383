"""What only people would notice of infra/observability.yaml: that every alarm leads to a runbook which
knows it, that every runbook's commands parse, and that the product writes the metrics it looks at."""

import re
import subprocess
import sys
from pathlib import Path

ALARM = re.compile(r"AlarmName: !Sub \$\{StackName\}-(\S+)\n\s+AlarmDescription: >-\n(?:.*\n)*?\s+(docs/runbooks/\S+\.md)\n")
RUNBOOKS = Path("docs/runbooks")
METRICS = Path("common/src/telemetry/metric.rs")


def main():
    template = Path("infra/observability.yaml").read_text()
    alarms = ALARM.findall(template)
    failures = [*unknown_alarms(template, alarms), *broken_commands(), *unknown_metrics(template)]
    print(f"{len(alarms)} alarms, {len(list(RUNBOOKS.glob('*.md')))} runbooks")
    for failure in failures:
        print(f"FAILED: {failure}")
    sys.exit(1 if failures else 0)


def unknown_alarms(template, alarms):
    if len(alarms) != template.count("Type: AWS::CloudWatch::Alarm"):
        yield "an alarm without a runbook"
    index = (RUNBOOKS / "README.md").read_text()
    rows = {link: row for row in index.splitlines() for link in re.findall(r"\]\((\S+\.md)\)", row)}
    for name, runbook in alarms:
        file = Path(runbook)
        if not file.exists():
            yield f"{name} leads to {runbook}, which is not there"
        elif f"`{name}`" not in rows.get(file.name, ""):
            yield f"docs/runbooks/README.md does not list {name} at {file.name}"
        elif name.removeprefix("page-").removeprefix("warn-") not in file.read_text():
            yield f"{runbook} does not know {name}"


def broken_commands():
    """Code blocks without a language are shell; … stands for what the reader fills in."""
    for path in [*RUNBOOKS.glob("*.md"), Path("docs/deploy.md")]:
        for language, block in re.findall(r"^ *```(\w*)\n(.*?)^ *```$", path.read_text(), re.DOTALL | re.MULTILINE):
            if language:
                continue
            script = re.sub(r"<[A-Za-z][\w .]*>", "PLACEHOLDER", block)
            checked = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True)
            if checked.returncode != 0:
                yield f"{path}: {checked.stderr.strip()}"


def unknown_metrics(template):
    own = set(re.findall(r'Namespace: !Sub "?OpsKnight/\$\{StackName\}"?,? *\n? *MetricName: (\w+)', template))
    own |= set(re.findall(r'"OpsKnight/\$\{StackName\}", "(\w+)"', template))
    own |= set(re.findall(r'MetricName=\\"(\w+)\\"', template))
    written = set(re.findall(r"^    (\w+): \w+,$", METRICS.read_text(), re.MULTILINE)) if METRICS.exists() else own
    yield from (f"nothing writes the metric {name}" for name in sorted(own - written))
    if not own:
        yield "no metric of our own is watched"


if __name__ == "__main__":
    main()
