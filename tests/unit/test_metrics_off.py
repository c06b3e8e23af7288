"""Metrics are off without OTEL_EXPORTER_OTLP_ENDPOINT: nothing is imported, and nothing is kept."""

from __future__ import annotations

import os
import subprocess
import sys

SDK = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
CODE = """
import sys
from tasks import telemetry
telemetry.add(telemetry.EVENTS, 3, outcome="saved")
telemetry.record(telemetry.LAG, 1.5, since="end", priority="live")
telemetry.observe(telemetry.RUNS, lambda: 1)
print(sorted(name for name in sys.modules if name.startswith("opentelemetry")))
"""


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code with an environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return subprocess.run(  # noqa: S603 - this test's own script
        [sys.executable, "-c", code],
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def test_without_the_variable_nothing_is_imported() -> None:
    """Not even OpenTelemetry's API."""
    assert run(CODE).stdout == "[]\n"


def test_without_the_extra_the_worker_goes_on() -> None:
    """It says what to install, once."""
    code = f"import sys\nsys.modules.update(dict.fromkeys({SDK}))\n{CODE}"
    done = run(code, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert done.stderr.count("pip install '.[telemetry]'") == 1


def test_with_the_variable_the_extra_is_used() -> None:
    """The same calls import the SDK; a receiver that is away ends nothing."""
    done = run(CODE, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_EXPORTER_OTLP_TIMEOUT="1")
    assert "'opentelemetry.sdk'" in done.stdout
