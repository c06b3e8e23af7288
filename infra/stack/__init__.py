"""The CloudFormation stack: parameters, the bridge's bundle, change sets, deployment, deletion."""
