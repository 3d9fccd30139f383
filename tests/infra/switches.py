"""Prints template.yaml as CloudFormation gets it when every switch is on: linters only see the defaults."""

import json
import os

import boto3
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ON = {
    "GradualDeployment": "true",
    "Tracing": "Active",
    "DomainName": "alerts.example.com",
    "HostedZoneId": "Z0123456789ABCDEFGHIJ",
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/opsknight-boundary-opsknight",
    "TableName": "opsknight-Table-2",
    "RestoreBucket": "my-bucket",
    "RestorePrefix": "AWSDynamoDB/01700000000000-abcdef/data/",
    "ManagementReservedConcurrency": "5",
    "CustomReservedConcurrency": "50",
}


def main():
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    with open("template.yaml") as file:
        template = yaml_parse(file.read())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    for name, value in ON.items():
        template["Parameters"][name]["Default"] = value
    translator = Translator({}, Parser(), None, boto3.session.Session())
    print(json.dumps(when_gradual(translator.translate(template, ON, {})), indent=1))


def when_gradual(value):
    """CodeDeploy's resources exist with this condition only, which a linter cannot know."""
    if isinstance(value, dict):
        branches = value.get("Fn::If")
        if branches and branches[0] == "Gradual":
            return when_gradual(branches[1])
        return {key: when_gradual(item) for key, item in value.items() if (key, item) != ("Condition", "Gradual")}
    return [when_gradual(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
