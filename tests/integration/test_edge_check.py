"""Update checks answered by nginx from the published state."""
import pytest

from edge import Edge


@pytest.fixture(scope="module")
def edge():
    running = Edge()
    try:
        running.product()
        running.apply(running.release("1.0.0"), running.release("1.1.0"))
        yield running.start()
    finally:
        running.close()


def test_update_available(edge):
    answer = edge.check()
    assert answer.status == 200, answer
    assert answer.json["update"] is True
