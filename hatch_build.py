"""What hatchling calls for a wheel: the web page is built into it (https://hatch.pypa.io/latest/plugins/build-hook/)."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

EDITABLE = "editable"


class WebPage(BuildHookInterface):  # type: ignore[type-arg]
    """Builds the page unless the package is installed for its developers: `make` builds it for them."""

    def dependencies(self) -> list[str]:
        """Return Node as a package where no installed one fits."""
        ui = _ui()
        return [] if ui.has_node() or self._is_there() else [ui.NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page before the files of a wheel are gathered."""
        if version != EDITABLE and not self._is_there():
            _ui().build()

    def _is_there(self) -> bool:
        return (Path(self.root) / "src/mainspring/server/web/index.html").is_file()


def _ui() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ui", Path(__file__).parent / "scripts" / "ui.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
