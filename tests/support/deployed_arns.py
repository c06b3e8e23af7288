"""ARNs of the resources that a stack of the template has."""

from __future__ import annotations

from tests.support.templates import read_template

ACCOUNT = "123456789012"
HERE = f"us-east-1:{ACCOUNT}"
BUS = "aws.partner/genesys.com/cloud/org/suffix"
# A resource of each type in the stack `interactions`; {} is the name that CloudFormation makes of the logical id.
ARNS = {
    "AWS::Athena::WorkGroup": f"arn:aws:athena:{HERE}:workgroup/interactions",
    "AWS::CloudWatch::Alarm": f"arn:aws:cloudwatch:{HERE}:alarm:{{}}",
    "AWS::CloudWatch::Dashboard": f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/interactions",
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{HERE}:table/{{}}",
    "AWS::Events::ApiDestination": f"arn:aws:events:{HERE}:api-destination/interactions-prefect/1-2-3",
    "AWS::Events::Archive": f"arn:aws:events:{HERE}:archive/{{}}",
    "AWS::Events::Connection": f"arn:aws:events:{HERE}:connection/interactions-prefect/1-2-3",
    "AWS::Events::EventBus": f"arn:aws:events:{HERE}:event-bus/{BUS}",
    "AWS::Events::Rule": f"arn:aws:events:{HERE}:rule/{BUS}/interactions-events",
    "AWS::Glue::Database": f"arn:aws:glue:{HERE}:database/interactions",
    "AWS::IAM::ManagedPolicy": f"arn:aws:iam::{ACCOUNT}:policy/{{}}",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{{}}",
    "AWS::Lambda::EventSourceMapping": f"arn:aws:lambda:{HERE}:event-source-mapping:1-2-3",
    "AWS::Lambda::Permission": f"arn:aws:lambda:{HERE}:function:interactions-BridgeFunction-1A2B",
    "AWS::Lambda::Function": f"arn:aws:lambda:{HERE}:function:{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{HERE}:log-group:{{}}",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::S3::BucketPolicy": "arn:aws:s3:::interactions-conversationbucket-1a2b",
    "AWS::SQS::Queue": f"arn:aws:sqs:{HERE}:{{}}",
    "AWS::SQS::QueuePolicy": f"arn:aws:sqs:{HERE}:interactions-Buffer-1A2B",
}
RESOURCES = {name: each["Type"] for name, each in read_template("template.yaml")["Resources"].items()}


def arn(name: str, stack: str = "interactions") -> str:
    """Return the ARN of a resource of the template in a stack of this name."""
    if name == "WatchRule":
        return f"arn:aws:events:{HERE}:rule/{stack}-watch"
    made = f"{stack}-{name}-1A2B"
    made = made.lower() if RESOURCES[name] == "AWS::S3::Bucket" else made
    return ARNS[RESOURCES[name]].replace("interactions", stack).format(made)
