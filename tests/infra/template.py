"""What nothing else would tell of template.yaml until a switch is on.

The boundary of infra/deploy-role.yaml allows every action that a role has; tracing and an own key reach
every function's role; every function's errors stop a gradual upgrade.
"""

import re
import sys

ACTION = re.compile(r"\b((?:cloudwatch|dynamodb|kms|lambda|logs|secretsmanager|sqs|xray):[A-Z]\w+)")
# Conditions, not actions.
CONDITIONS = {"dynamodb:LeadingKeys", "kms:ViaService"}


def resources(path):
    """Each resource's lines, by name; comments left out."""
    with open(path) as file:
        text = re.sub(r"^ *#.*\n", "", file.read(), flags=re.MULTILINE)
    parts = re.split(r"^  (\w+):\n", text[text.index("\nResources:\n") :], flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def main():
    template = resources("template.yaml")
    failures = [*beyond_boundary(template), *left_out(template)]
    for failure in failures:
        print(f"FAILED: {failure}")
    sys.exit(1 if failures else 0)


def beyond_boundary(template):
    allowed = set(ACTION.findall(resources("infra/deploy-role.yaml")["Boundary"]))
    needed = {
        (name, action)
        for name, text in template.items()
        if "Type: AWS::IAM::" in text
        for action in set(ACTION.findall(text)) - CONDITIONS
    }
    if not needed:
        yield "no role was found"
    for name, action in sorted(needed):
        if action not in allowed:
            yield f"{name} has {action}, which the boundary of infra/deploy-role.yaml does not allow"


def left_out(template):
    functions = [name for name, text in template.items() if "Type: AWS::Serverless::Function" in text]
    alarms = "".join(text for name, text in template.items() if name.endswith("DeploymentAlarm"))
    for function in functions:
        role = function.removesuffix("Function") + "Role"
        for policy in ("TracingPolicy", "KeyPolicy"):
            if f"!Ref {role}" not in template[policy]:
                yield f"{policy} does not reach {role}"
        name = re.search(r"FunctionName: !Sub (\S+)", template[function]).group(1)
        if f'"{name}:live"' not in alarms:
            yield f"no deployment alarm looks at {function}"


if __name__ == "__main__":
    main()
