import pytest

from cps_portal.dev.embedded.folder import remove
from cps_portal.dev.embedded.ports import free_port
from tests.launcher.portal import Portal


@pytest.fixture
def start(tmp_path):
    state, port, portals = tmp_path / "state", free_port(), []

    def starting(port=port, **environment):
        portals.append(Portal(state, port, **environment))
        return portals[-1]

    yield starting
    for portal in portals:
        if portal.process.poll() is None:
            portal.end()
    if state.exists():
        remove(state)
