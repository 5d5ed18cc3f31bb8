"""A skipped test fails the run, so that nothing untried reads as a pass."""

import pytest
from hypothesis import settings

# A slow machine is no failure; what failed can be replayed from the blob that is printed.
settings.register_profile("moot", deadline=None, print_blob=True)
settings.load_profile("moot")

pytest_plugins = ["tests.servers.fixtures"]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or exitstatus != pytest.ExitCode.OK:
        return
    skipped = reporter.stats.get("skipped", [])
    if skipped:
        reporter.write_line(f"{len(skipped)} skipped: what was not tried is not known to work.")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
