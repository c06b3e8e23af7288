"""Tests of the templates, the bridge and the command line of infra, on an emulator of AWS."""
