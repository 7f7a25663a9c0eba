"""Section: what every table of `hotline.toml` is, whichever room declares it."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """One table of `hotline.toml`: an unknown key is an error, and no error repeats a value, which may be a secret."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
