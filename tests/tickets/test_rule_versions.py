"""By which rules was it decided: any changed file, ours or the city's, is another version of what is decided after."""

import shutil
from datetime import timedelta
from functools import partial
from importlib import resources
from pathlib import Path

import pytest
from msgspec.structs import replace

from normalizers.rules import DEFAULT_RULES, Rules
from schemas.errors import MisconfiguredError
from schemas.records import event
from tests.tickets.build import START
from tests.tickets.said import decided, dispatch_proposed, said, ticket_of
from tickets import policies
from tickets.policy import TicketPolicy, directories_of, limits_of, near_policy, version_of
from tickets.records_out import link_of
from tickets.routing.dispatch import follow
from tickets.sla.deadlines import Matter

NEAR = Path(policies.__file__).parent / "near" / "near.toml"
WATER = ("停水", "丽景小区3号楼停水两天了")


def own(folder: Path, name: str, content: str) -> Path:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(content, encoding="utf-8")
    return folder


def by(folder: Path | None) -> TicketPolicy:
    return TicketPolicy(
        version=version_of(Rules.load(folder)),
        near=near_policy(Rules.load(folder)),
        limits=limits_of(Rules.load(folder)),
        directories=directories_of(Rules.load(folder)),
        rules=Rules.load(folder),
    )


def test_ours_have_their_version_and_a_short_digest() -> None:
    assert version_of() == TicketPolicy().version == f"{near_policy().version}-{policies.digest()}"
    assert len(policies.digest()) == 8


def test_a_copy_of_ours_is_ours_and_the_same_files_say_the_same_wherever_they_lie(tmp_path: Path) -> None:
    copied = own(tmp_path / "copied", "near/near.toml", NEAR.read_text("utf-8"))
    assert version_of(Rules.load(copied)) == version_of()
    stricter = NEAR.read_text("utf-8").replace("link = 0.55", "link = 0.9")
    one, other = (own(tmp_path / name, "near/near.toml", stricter) for name in ("one", "other"))
    assert version_of(Rules.load(one)) == version_of(Rules.load(other)) != version_of()


RULES = Path(str(resources.files("normalizers.rules")))


@pytest.mark.parametrize(
    "file",
    [
        *(
            NEAR.parents[1] / name
            for name in ("deadlines/guangdong.toml", "dispatch/generic.toml", "calendars/cn.toml")
        ),
        *(RULES / name for name in ("hotlines.toml", "emergency.toml", "heard.tsv", "towns.csv")),
    ],
    ids=lambda file: file.name,
)
def test_each_file_of_a_city_that_differs_is_another_version(file: Path, tmp_path: Path) -> None:
    name = file.name if file.parent == RULES else f"{file.parent.name}/{file.name}"
    changed = own(tmp_path, name, file.read_text("utf-8") + "\n")
    assert version_of(Rules.load(changed)) != version_of()
    assert version_of(Rules.load(changed)).startswith(f"{near_policy().version}-")


def test_what_nobody_decides_by_is_no_other_version(tmp_path: Path) -> None:
    for name in ("README.md", "near/near.toml.bak", "kind.toml.txt", "answers/answers.toml", "divisions.csv"):
        own(tmp_path, name, "version = '7'")
    assert version_of(Rules.load(tmp_path)) == version_of()


def test_a_file_of_ours_that_changes_is_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = tmp_path / "policies"
    shutil.copytree(policies.OURS, ours, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(policies, "OURS", ours)
    undecided = partial(policies.digest.make, DEFAULT_RULES)
    assert undecided() == policies.digest()
    own(ours, "near/near.toml", NEAR.read_text("utf-8").replace("link = 0.55", "link = 0.9"))
    assert undecided() != policies.digest()


def test_a_city_names_its_version_and_an_older_file_has_none(tmp_path: Path) -> None:
    text = NEAR.read_text("utf-8")
    named = own(tmp_path / "named", "near/near.toml", text.replace('version = "2026.12"', 'version = "2099.9"'))
    assert version_of(Rules.load(named)) == f"2099.9-{policies.digest(Rules.load(named))}"
    older = own(tmp_path / "older", "near/near.toml", text.replace('version = "2026.12"\n', ""))
    assert version_of(Rules.load(older)) == f"own-{policies.digest(Rules.load(older))}"
    wrong = own(tmp_path / "wrong", "near/near.toml", text.replace('"2026.12"', '"of the mayor"'))
    with pytest.raises(MisconfiguredError, match=r"near\.toml is invalid"):
        version_of(Rules.load(wrong))


def test_event_link_and_ticket_say_by_which_rules(tmp_path: Path) -> None:
    text = NEAR.read_text("utf-8").replace('version = "2026.12"', 'version = "2099.9"').replace("0.55", "0.9")
    policy = by(own(tmp_path, "near/near.toml", text))
    desk, (decision,) = decided([said(1, *WATER)], policy)
    link = link_of(decision)
    assert link is not None
    said_by = {decision.policy_version, link.policy_version, ticket_of(desk, decision).lineage.policy_version}
    assert said_by == {policy.version} == {f"2099.9-{policies.digest(Rules.load(tmp_path))}"}


PROFILE = """
id = "city"
name = "本市"
version = "{version}"
adcodes = ["2101"]
[[rules]]
id = "city.resolve"
clock = "resolve"
amount = {amount}
unit = "hours"
extension_max = 5
pauses = ["answered"]
legal_basis = "of the city"
[[rules]]
id = "city.accept"
clock = "accept"
amount = 2
unit = "working_days"
legal_basis = "of the city"
"""


def test_a_deadline_keeps_the_version_of_its_profile(tmp_path: Path) -> None:
    desk, (decision,) = decided(
        [said(1, *WATER)], by(own(tmp_path, "deadlines/city.toml", PROFILE.format(version="2099.9", amount=5)))
    )
    deadlines = ticket_of(desk, decision).deadlines
    assert {(one.clock, one.profile_version) for one in deadlines} == {("resolve", "2099.9"), ("accept", "2099.9")}  # type: ignore[union-attr] # it has deadlines


def test_a_deadline_that_is_extended_or_goes_on_is_of_the_profile_of_today(tmp_path: Path) -> None:
    before, after = (
        limits_of(Rules.load(own(tmp_path / version, "deadlines/city.toml", PROFILE.format(version=version, amount=5))))
        for version in ("2098.1", "2099.9")
    )
    for made in before.of("210100", Matter(), START):
        assert made.profile_version == "2098.1"
        assert after.resumed(made, START, START + timedelta(hours=1)).profile_version == "2099.9"
        assert after.stamped(made).profile_version == "2099.9"
    assert after.extended(before.by("city.resolve", START), 2, START).profile_version == "2099.9"
    assert after.stamped(replace(made, policy_id="gone")).profile_version == "2098.1"


DIRECTORY = """
id = "city"
name = "本市"
version = "{version}"
adcodes = ["2101"]
fallback = ["desk"]
offices = {{ desk = "热线办" }}
rules = []
"""


def test_a_proposal_keeps_the_version_of_its_directory_and_another_alone_is_no_news(tmp_path: Path) -> None:
    folders = [own(tmp_path / v, "dispatch/city.toml", DIRECTORY.format(version=v)) for v in ("1", "2099.9")]
    desk, (decision,) = decided([said(1, *WATER)], by(folders[0]))
    proposal = dispatch_proposed(ticket_of(desk, decision))
    assert (proposal.organizer_code, proposal.directory_version) == ("desk", "1")
    told = event.PlaceSet(ticket_id=decision.tickets[0].ticket_id, adcode="210102", source="clerk")
    assert follow(desk.state.tickets, directories_of(Rules.load(folders[1])), (told,)) == ()
