"""The words of the open enumerations with their 中文. Readers take a word that they do not know as `unknown`."""

from collections.abc import Mapping

Words = Mapping[str, str]
"""What is written today, each word with its 中文; later versions may add some
(`schemas/contract/compatibility.py`, rule 3)."""


def counted(number: int, one: str, more: str | None = None) -> str:
    """Return a number and what is counted, of which there may be one: `1 node`, `2 nodes`."""
    return f"{number} {one if number == 1 else more or f'{one}s'}"


UNKNOWN = "unknown"
"""What a reader makes of a word that it does not know."""

CHANNELS: Words = {
    "mailbox": "信箱",
    "sms": "短信",
    "wechat": "微信",
    "weibo": "微博",
    "phone": "电话",
    "web": "网站",
    "record": "导入",
}
"""诉求来源: every channel; topics, `--channel` and what subscribers may choose follow from these."""

MESSAGE_CLASSES: Words = {
    "person": "本人来件",
    "auto_reply": "自动回复",
    "bounce": "退信",
    "list": "群发邮件",
    "calendar": "日程",
    "event": "平台事件",
    "unsupported": "无法识别",
}

UNAVAILABLE: Words = {"expired": "已过期", "refused": "平台拒绝提供", "too_large": "超出大小限制"}
"""Why the bytes of an attachment will never come."""

DATUMS: Words = {"gcj02": "国测局坐标", "wgs84": "世界大地坐标", "bd09": "百度坐标", "cgcs2000": "国家大地坐标"}
"""坐标系: the same numbers lie hundreds of metres apart in two of them."""

PARTY_KINDS: Words = {"phone": "电话", "email": "电子邮箱", "openid": "微信标识", "uid": "平台账号", "name": "姓名"}

DECIDED_BY: Words = {"requester": "诉求人", "rule": "规则", "model": "模型", "channel": "渠道", "clerk": "坐席"}
"""Who says so."""

EMERGENCY_CLASSES: Words = {
    "police": "警情",
    "fire": "火警",
    "medical": "急救",
    "traffic": "交通事故",
    "self_harm": "轻生",
    "missing_person": "走失",
    "utility": "水电气热险情",
    "disaster": "灾害",
    "minor_in_danger": "未成年人遇险",
}
"""紧急情况: what happens; whom the emergency desk calls (110, 119, 120, 122) follows from it."""

MENTIONED = "mentioned"
"""The level of an emergency that hurries nobody: past, denied or merely possible."""

EMERGENCY_LEVELS: Words = {"critical": "危急", "urgent": "紧急", MENTIONED: "提及"}

URGENCIES: Words = {"normal": "一般", "urgent": "紧急", "critical": "特急"}

RUNGS: Words = {"words": "逐字相符", "sounds": "读音相同", "most": "大部分相符"}
"""How a search found a ticket."""

STATUSES: Words = {
    "received": "接收",
    "screened": "初筛",
    "handed_over": "紧急转接",
    "not_accepted": "不予受理",
    "registered": "受理登记",
    "answered": "直接答复",
    "dispatched": "派单",
    "signed": "签收",
    "returned": "退单",
    "redispatched": "改派",
    "in_progress": "办理",
    "extended": "延期",
    "supervised": "督办",
    "resolved": "办结",
    "revisited": "回访",
    "evaluated": "评价",
    "reopened": "重办",
    "archived": "归档",
}
"""办理状态. A merge (并单) is an edge between two tickets and no stage: both keep theirs."""

REQUEST_KINDS: Words = {
    "consultation": "咨询",
    "help_request": "求助",
    "complaint": "投诉",
    "report": "举报",
    "suggestion": "建议",
    "praise": "表扬",
    "other": "其他",
    UNKNOWN: "未知",
}
"""诉求类型: the six official kinds."""

REQUEST_KIND_GROUPS: Words = {
    "consultation": "咨询",
    "help_request": "求助",
    "complaint_opinion_suggestion": "投诉意见建议",
    "report_of_violation": "举报",
    "praise": "表扬",
}
"""The five groups of the statistics."""

MERGE_MODES: Words = {"merged": "整体并入", "parallel": "双号并行", "branch": "设分中心"}
"""归并热线: how a line became part of 12345 (国办发〔2020〕53号)."""

REQUESTER_KINDS: Words = {"natural_person": "自然人", "legal_person": "法人", "other_org": "其他组织"}

ANONYMITY: Words = {"given": "已提供身份", "not_given": "未提供身份", "withheld_on_request": "要求保密身份"}

CONFIDENTIALITY: Words = {"public": "公开", "internal": "内部", "confidential": "保密", "restricted": "严格保密"}
"""保密, from the lowest level to the highest."""

OPEN_TO_ALL = frozenset({"public", "internal"})
"""Levels (保密) of which everybody may know that there is such a ticket."""

CLOCKS: Words = {
    "accept": "受理", "sign": "签收", "first_contact": "首次联系", "resolve": "办结", "return": "退单",
}  # fmt: skip
"""What a deadline (时限) runs for."""

ACCEPTANCE: Words = {"accepted": "受理", "not_accepted": "不予受理", "proposed": "建议不予受理"}

NOT_ACCEPTED: Words = {
    "emergency_line": "应由110、119、120、122处理",
    "litigation_or_arbitration": "已进入诉讼、仲裁",
    "discipline_inspection": "纪检监察事项",
    "administrative_reconsideration": "行政复议事项",
    "government_information_disclosure": "政府信息公开",
    "petition_channel": "信访渠道",
    "state_or_work_secret": "国家秘密、工作秘密",
    "commercial_secret": "商业秘密",
    "personal_privacy": "个人隐私",
    "against_public_order": "违反公序良俗",
    "out_of_jurisdiction": "不属于本辖区",
    "party_npc_court_procuratorate_matter": "党委、人大、法院、检察院事项",
    "military": "军队事项",
    "repeat_without_new_facts": "无新事实的重复诉求",
    "no_valid_contact": "无有效联系方式",
    "malicious": "恶意诉求",
    "no_request_content": "无诉求内容",
}
"""Why a request is not accepted (不予受理)."""

DISPATCH_REASONS: Words = {
    "directory": "按派单目录",
    "first_responsible": "首接负责",
    "after_return": "退单后改派",
    "fallback": "目录未列，由兜底单位首接",
    "nobody_left": "目录内无其他单位",
    "accused": "涉及被反映单位或人员，转纪检监察",
}
"""Why the directory proposes an organizer (派单建议), or none."""

FALSE_ALARMS: Words = {
    "misread": "误判",
    "past": "险情已过",
    "drill": "演练",
    "hoax": "谎报",
}
"""Why a hand-over was a false alarm (误报)."""

SUPERVISION_LEVELS: Words = {
    "reminder": "催办", "supervision": "督办", "key_supervision": "重点督办", "on_site": "现场督办",
}  # fmt: skip
"""督办 by weight."""

MINOR_ROLES: Words = {"requester": "诉求人", "subject": "当事人"}

MINOR_TOPICS: Words = {
    "family": "家庭保护",
    "school": "学校保护",
    "society": "社会保护",
    "network": "网络保护",
    "government": "政府保护",
    "judicial": "司法保护",
}
"""六大保护 of minors (未成年人保护法)."""

EDGE_KINDS: Words = {"merged": "并单", "cluster": "同一事件", "related": "关联"}

RELATIONS: Words = {
    "no_ticket": "不建单",
    "part_of": "分段",
    "follow_up": "补充来件",
    "same_person_same_matter": "同人同事",
    "same_matter_other_person": "异人同事",
    "new": "新建",
    "moved": "改归",
    "command": "人工指令",
}
"""What a decision found; `moved` and `command` are decisions that a person ordered."""

COMMAND_KINDS: Words = {
    "set_status": "设置状态",
    "merge": "并单",
    "unmerge": "解除并单",
    "move": "改归",
    "reclassify": "改类",
    "set_deadline": "设定时限",
    "dispatch": "派单",
    "return_dispatch": "退单",
    "supervise": "督办",
    "revisit": "回访",
    "acknowledge_handover": "签收转接",
    "dismiss_handover": "解除误报",
    "reinstate_handover": "恢复转接",
    "confirm_proposal": "确认建议",
    "reject_proposal": "否决建议",
    "redact": "遮盖",
    "forget": "删除个人信息",
    "read": "查阅",
    "export": "导出明文",
    "record": "登记操作",
    "approve": "复核",
}

OUTCOMES: Words = {"delivered": "已送达", "retrying": "重试中", "dead": "已放弃"}
"""What became of a webhook delivery."""

ANSWER_KINDS: Words = {"receipt": "受理回执"}

ANSWER_STATES: Words = {
    "sending": "发送中",
    "waiting": "待重试",
    "accepted": "已接收",
    "delivered": "已送达",
    "undelivered": "未送达",
    "refused": "被拒绝",
    "unknown": "结果不明",
    "withheld": "不予发送",
}
"""How far an answer to a citizen is; all but `sending` and `waiting` are final.

Behind `accepted` or `unknown` a gateway's status report may still say `delivered` or `undelivered`.
"""

PLACEMENT_STATES: Words = {"placed": "已放置", "moving": "迁移中"}
"""Of a city that has a partition of its own choice."""

CALL_DIRECTIONS: Words = {"inbound": "呼入", "outbound": "呼出"}

CALL_DISPOSITIONS: Words = {
    "answered": "已接通",
    "no_answer": "未接",
    "busy": "忙线",
    "abandoned": "排队放弃",
    "failed": "呼叫失败",
    "voicemail": "语音留言",
    "other": "其他",
}

RECORDING_STATES: Words = {
    "complete": "完整",
    "empty": "空录音",
    "missing": "缺失",
    "being_written": "写入中",
}
"""What lay at a recording's reference when somebody looked."""
