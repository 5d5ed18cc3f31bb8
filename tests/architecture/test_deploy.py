"""The examples of `deploy/` name only what moot has; none is run here, there is no engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from moot.http.webhooks import PATH

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services of the compose file."""
    composed: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return dict(composed["services"])


def test_webhooks_go_where_moot_listens(services: dict[str, Any]) -> None:
    """MEDIA-2: LiveKit tells moot what happens at a path that moot serves, signed with its key."""
    config = yaml.safe_load(services["livekit"]["environment"]["LIVEKIT_CONFIG"])
    (url,) = config["webhook"]["urls"]
    assert url == f"https://${{MOOT_SITE:?}}{PATH}"
    assert config["webhook"]["api_key"] == "${LIVEKIT_API_KEY:?}"
    assert services["moot-1"]["environment"]["MOOT_LIVEKIT_API_KEY"] == "${LIVEKIT_API_KEY:?}"


def test_mounted_files_exist(services: dict[str, Any]) -> None:
    """What the compose file mounts from beside it is there."""
    mounted = [
        volume.split(":")[0]
        for service in services.values()
        for volume in service.get("volumes", ())
        if volume.startswith("./")
    ]
    assert mounted
    assert [name for name in mounted if not (DEPLOY / name).is_file()] == []


def test_kubernetes_manifests_can_be_read() -> None:
    """Every document of the manifests says what it is."""
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes/moot.yaml").read_text("utf-8")))
    assert documents
    assert all({"apiVersion", "kind", "metadata"} <= set(document) for document in documents)
