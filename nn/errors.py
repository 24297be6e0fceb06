"""The errors of this room, and the checks of settings that it shares with the rooms beside it."""

from __future__ import annotations

from autograd_mini import AutogradError
from autograd_mini.errors import ExtraError, SettingError, choice, extra, function, real, whole

__all__ = ["ExtraError", "SettingError", "StateError", "choice", "extra", "function", "real", "whole"]


class StateError(AutogradError, ValueError):
    """A state that does not fit the module it is loaded into; the message lists every misfit."""
