"""What is recorded of a run of a tool stays for ten years, and no erasure reaches it."""

from hotline.admin.audit import run_of
from hotline.config.settings import Settings
from tests.rows import each_row
from tickets.masking.mask import MASK, MASK_CHARACTERS


@each_row(
    ("reason", "kept"),
    [
        ("王女士13764520918来电核实", f"{MASK * 14}来电核实"),
        ("jixiaoxi.1987@mail.example asks", f"{MASK * MASK_CHARACTERS} asks"),
        ("核实", "核实"),
        ("citizen asks for her mail", "citizen asks for her mail"),
        ("reads this gateway now", "reads this gateway now"),
        ("pipl-47", "pipl-47"),
        ("", None),
        (None, None),
    ],
)
def test_a_reason_in_words_is_kept_without_whoever_it_names(reason: str | None, kept: str | None) -> None:
    assert run_of(Settings(), reason).reason == kept
