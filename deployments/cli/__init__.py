"""The console script `interactions`: one module a command, and infra's commands as they are."""
