"""The words of the open enumerations: what is written today. Readers take a word that they do not know as `unknown`."""

from schemas.topics import CHANNELS

UNKNOWN = "unknown"
"""What a reader makes of a word that it does not know (contract.md C3, rule 3)."""

MESSAGE_CLASSES: tuple[str, ...] = ("person", "auto_reply", "bounce", "list", "calendar", "event", "unsupported")

PARTY_KINDS: tuple[str, ...] = ("phone", "email", "openid", "uid", "name")

DECIDED_BY: tuple[str, ...] = ("requester", "rule", "model", "channel", "clerk")
"""Who says so: the citizen, a rule of ours, a model, the channel itself or a clerk (坐席)."""

EMERGENCY_CLASSES: tuple[str, ...] = (
    "police", "fire", "medical", "traffic", "self_harm", "missing_person", "utility", "disaster",
    "minor_in_danger",
)  # fmt: skip
"""domain.md B5."""

EMERGENCY_LEVELS: tuple[str, ...] = ("critical", "urgent", "mentioned")

URGENCIES: tuple[str, ...] = ("normal", "urgent", "critical")

STATUSES: tuple[str, ...] = (
    "received", "screened", "handed_over", "not_accepted", "registered", "answered", "dispatched", "signed", "returned",
    "redispatched", "in_progress", "extended", "supervised", "resolved", "revisited", "evaluated", "reopened",
    "archived",
)  # fmt: skip
"""办理状态 (domain.md B3)."""

REQUEST_KINDS: tuple[str, ...] = (
    "consultation", "help_request", "complaint", "report", "suggestion", "praise", "other", UNKNOWN,
)  # fmt: skip
"""诉求类型: the six official kinds (domain.md B2)."""

REQUEST_KIND_GROUPS: tuple[str, ...] = (
    "consultation", "help_request", "complaint_opinion_suggestion", "report_of_violation", "praise",
)  # fmt: skip
"""The five groups of the statistics (domain.md B2)."""

MERGE_MODES: tuple[str, ...] = ("merged", "parallel", "branch")
"""整体并入, 双号并行, 设分中心 (domain.md B8)."""

REQUESTER_KINDS: tuple[str, ...] = ("natural_person", "legal_person", "other_org")

ANONYMITY: tuple[str, ...] = ("given", "not_given", "withheld_on_request")

CONFIDENTIALITY: tuple[str, ...] = ("public", "internal", "confidential", "restricted")
"""domain.md B9."""

CLOCKS: tuple[str, ...] = ("accept", "sign", "first_contact", "resolve", "return")

ACCEPTANCE: tuple[str, ...] = ("accepted", "not_accepted", "proposed")

NOT_ACCEPTED: tuple[str, ...] = (
    "emergency_line", "litigation_or_arbitration", "discipline_inspection", "administrative_reconsideration",
    "government_information_disclosure", "petition_channel", "state_or_work_secret", "commercial_secret",
    "personal_privacy", "against_public_order", "out_of_jurisdiction", "party_npc_court_procuratorate_matter",
    "military", "repeat_without_new_facts", "no_valid_contact", "malicious", "no_request_content",
)  # fmt: skip
"""不予受理 (domain.md B7)."""

SUPERVISION_LEVELS: tuple[str, ...] = ("reminder", "supervision", "key_supervision", "on_site")
"""催办, 督办, 重点督办, 现场督办."""

MINOR_ROLES: tuple[str, ...] = ("requester", "subject")

MINOR_TOPICS: tuple[str, ...] = ("family", "school", "society", "network", "government", "judicial")
"""六大保护 (domain.md B6)."""

EDGE_KINDS: tuple[str, ...] = ("merged", "cluster", "related")

RELATIONS: tuple[str, ...] = (
    "no_ticket", "part_of", "follow_up", "same_person_same_matter", "same_matter_other_person", "new", "moved",
    "command",
)  # fmt: skip
"""design.md 6; `moved` and `command` are decisions that a person ordered."""

__all__ = [
    "ACCEPTANCE", "ANONYMITY", "CHANNELS", "CLOCKS", "CONFIDENTIALITY", "DECIDED_BY", "EDGE_KINDS",
    "EMERGENCY_CLASSES", "EMERGENCY_LEVELS", "MERGE_MODES", "MESSAGE_CLASSES", "MINOR_ROLES", "MINOR_TOPICS",
    "NOT_ACCEPTED", "PARTY_KINDS", "RELATIONS", "REQUESTER_KINDS", "REQUEST_KINDS", "REQUEST_KIND_GROUPS", "STATUSES",
    "SUPERVISION_LEVELS",
    "UNKNOWN", "URGENCIES",
]  # fmt: skip
