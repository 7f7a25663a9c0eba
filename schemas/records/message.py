"""Message: one citizen's message, understood; input of `assign`."""

from typing import Annotated

from msgspec import UNSET, UnsetType, field

from schemas import enums
from schemas.fields import about
from schemas.records.call import Call
from schemas.records.common import Attachment, Emergency, Finding, Party, Record, Time


class Thread(Record, frozen=True, kw_only=True):
    """会话: what the channel says of the conversation."""

    message_id_header: Annotated[str | None, about("Message-ID of a mail", "邮件标识", pii=1)] = None
    references: Annotated[tuple[str, ...], about("In-Reply-To and References, oldest first", "引用的邮件", pii=1)] = ()
    token: Annotated[str | None, about("Signed ticket token found in the message", "工单令牌")] = None
    quoted_ticket_nos: Annotated[tuple[str, ...], about("Official numbers quoted in the text", "引用的工单编号")] = ()
    reply_to: Annotated[str | None, about("Where an answer should go, if not to the sender", "回复地址", pii=1)] = None


class Part(Record, frozen=True, kw_only=True):
    """长短信分段: a part of a long SMS, as bytes: joined first, decoded then."""

    reference: Annotated[str, about("Reference number of the concatenated message", "长短信参考号")]
    total: Annotated[int, about("How many parts", "总段数", index="long")]
    number: Annotated[int, about("1 to total", "段号", index="long")]
    format: Annotated[str, about("Coding of the bytes", "编码格式")]
    bytes: Annotated[bytes, about("Base64 of the part's bytes", "分段内容", pii=2, index="none")]


class Features(Record, frozen=True, kw_only=True):
    """特征: all that `decide` sees of a message: no personal text."""

    message_class: Annotated[str, about("As in the message", "来件类别", index="none", words=enums.MESSAGE_CLASSES)] = (
        field(default="person", name="class")
    )
    text_key: Annotated[
        str | None,
        about("Keyed digest of title, text, what is quoted and attachments, folded", "内容摘要值", index="none"),
    ] = None
    text_known_as: Annotated[
        tuple[str, ...] | UnsetType, about("The same by the keys before the newest", "内容其他摘要值", index="none")
    ] = UNSET
    grams: Annotated[
        tuple[int, ...], about("Hashed 3-grams, 32 bits, sorted, at most 256", "文本指纹", index="none")
    ] = ()
    names: Annotated[
        tuple[str, ...], about("Hashed pairs of characters of the names in its head", "名称指纹", index="none")
    ] = ()
    places: Annotated[tuple[str, ...], about("Those of them that name a place", "地点指纹", index="none")] = ()
    objects: Annotated[tuple[str, ...], about("Hashed object words of its head", "对象词指纹", index="none")] = ()
    numbers: Annotated[tuple[str, ...], about("Hashed number words of its head", "数字词指纹", index="none")] = ()
    areas: Annotated[
        tuple[str, ...], about("Cities and districts of its head: level, hash", "区划指纹", index="none")
    ] = ()
    doors: Annotated[
        tuple[str, ...],
        about(
            "What tells it from others of a kind (house, bus line): hash of kind, hash of which",
            "门牌指纹",
            index="none",
        ),
    ] = ()
    papers: Annotated[
        tuple[str, ...], about("Hashed numbers of orders, accounts, meters, cases, plates", "编号指纹", index="none")
    ] = ()
    text_names: Annotated[
        tuple[str, ...], about("Places and numbers of the text behind, as `names`", "正文名称指纹", index="none")
    ] = ()
    text_objects: Annotated[
        tuple[str, ...], about("Object words of the text behind", "正文对象词指纹", index="none")
    ] = ()
    untitled: Annotated[
        bool | UnsetType,
        about("Whether no title says what it is about: its head is where its text begins", "无标题", index="none"),
    ] = UNSET
    aspects: Annotated[
        tuple[str, ...],
        about("Without a title: hashed ways of what happened (it is loud, it is stuck)", "情形指纹", index="none"),
    ] = ()
    opening: Annotated[
        str | UnsetType, about("The hashed first letters of a letter's text", "开头指纹", index="none")
    ] = UNSET
    told: Annotated[
        tuple[str, ...], about("Hashed ways of what happened, behind a letter's opening", "所述情形指纹", index="none")
    ] = ()
    whereabouts: Annotated[
        tuple[str, ...] | UnsetType,
        about("Hashed words that tell where it is, or whose", "所在指纹", index="none"),
    ] = UNSET
    requesters: Annotated[tuple[str, ...], about("Keyed hashes of who asks", "诉求人标识", index="none")] = ()
    stated: Annotated[
        tuple[str, ...],
        about(
            "By which surname, name, sex, telephone or room they ask, and for whom, each a keyed hash",
            "自称姓名标识",
            index="none",
        ),
    ] = ()
    contacts: Annotated[
        tuple[str, ...], about("Keyed hashes of contact details in the text", "文中联系方式标识", index="none")
    ] = ()
    participants: Annotated[
        tuple[str, ...], about("Keyed hashes of the other people in the thread", "其他参与人标识", index="none")
    ] = ()
    message_key: Annotated[str | None, about("Hash of the message's own thread id", "本件会话标识", index="none")] = (
        None
    )
    message_known_as: Annotated[
        tuple[str, ...] | UnsetType, about("The same by the keys before the newest", "本件早前会话标识", index="none")
    ] = UNSET
    known_as: Annotated[
        tuple[str, ...] | UnsetType,
        about("Hashes of further thread ids of its own", "本件其他会话标识", index="none"),
    ] = UNSET
    threads: Annotated[
        tuple[str, ...], about("Hashes of the thread ids it answers, nearest first", "所回复会话标识", index="none")
    ] = ()
    completes: Annotated[
        tuple[str, ...], about("Hashes of the message whose file it brings", "所补全来件标识", index="none")
    ] = ()
    token: Annotated[str | None, about("Ticket that a token signed by us names", "令牌所指工单", index="none")] = None
    further_tokens: Annotated[
        tuple[str, ...] | UnsetType,
        about("Tickets that further tokens signed by us name", "其他令牌所指工单", index="none"),
    ] = UNSET
    claimed: Annotated[
        str | None, about("Ticket that a token without our signature names", "未签名令牌所指工单", index="none")
    ] = None
    ticket_nos: Annotated[tuple[str, ...], about("Official numbers it quotes", "引用的工单编号", index="none")] = ()
    part_key: Annotated[
        str | None, about("Hash of sender, destination, format, reference, total", "长短信标识", index="none")
    ] = None
    part_known_as: Annotated[
        tuple[str, ...] | UnsetType, about("The same by the keys before the newest", "长短信其他标识", index="none")
    ] = UNSET
    part_number: Annotated[int | None, about("Which part it is", "段号", index="none")] = None
    part_total: Annotated[int | None, about("Of how many", "总段数", index="none")] = None
    part_digest: Annotated[str | None, about("Keyed digest of the part's bytes", "分段摘要值", index="none")] = None
    part_digest_known_as: Annotated[
        tuple[str, ...] | UnsetType, about("The same by the keys before the newest", "分段其他摘要值", index="none")
    ] = UNSET
    call_revision: Annotated[
        int | UnsetType, about("Which revision of a call's record it is", "通话记录修订号", index="none")
    ] = UNSET
    call_began: Annotated[
        int | UnsetType,
        about("When the call began, as its record tells: seconds since 1970", "通话开始时刻", index="none"),
    ] = UNSET
    call_ended: Annotated[int | UnsetType, about("When it ended, in the same way", "通话结束时刻", index="none")] = (
        UNSET
    )
    call_adds: Annotated[
        bool | UnsetType,
        about("Whether its note tells of another matter than those of its call before it", "另有诉求", index="none"),
    ] = UNSET
    codes: Annotated[tuple[str, ...], about("Codes of the findings", "识别结果代码", index="none")] = ()


class Foreseen(Record, frozen=True, kw_only=True):
    """预先识别: what a mask will look for in the words of a message, found by whoever understood it."""

    grounds: Annotated[
        str,
        about("Digest of all that it was found by; whoever has other rules finds anew", "识别依据摘要值", index="none"),
    ]
    found: Annotated[
        dict[str, tuple[int, ...]],
        about(
            "Of each text its digest in eight numbers, how it reads, starts and ends of personal words",
            "个人信息位置",
            pii=1,
            index="none",
        ),
    ]


class RawRef(Record, frozen=True, kw_only=True):
    """原始记录: where the raw bytes of a message are."""

    topic: Annotated[str | None, about("Raw topic", "主题", index="none")] = None
    partition: Annotated[int | None, about("Partition", "分区", index="none")] = None
    offset: Annotated[int | None, about("Offset", "偏移量", index="none")] = None
    sha256: Annotated[str, about("SHA-256 of the raw bytes", "摘要值", pii=1)]
    dataref: Annotated[str | None, about("Path in the blob store, for large bodies", "存储路径", index="none")] = None


class Message(Record, frozen=True, kw_only=True):
    """来件: one message of one citizen, from any channel."""

    message_id: Annotated[str, about("26 base32 characters of source and id", "来件标识")]
    source: Annotated[str, about("ce_source: /hotline/<channel>/<account>", "来源")]
    id: Annotated[str, about("ce_id: the source's own name of the message", "来源侧标识", pii=1)]
    channel: Annotated[str, about("Channel it came by", "诉求来源", words=enums.CHANNELS)]
    channel_kind: Annotated[str, about("The finer kind, such as wechat_mp, sms_cmpp; imports bring theirs", "来件方式")]
    account: Annotated[str, about("The id that the settings give our mailbox, appid or service number", "受理账号")]
    jurisdiction: Annotated[str, about("Adcode of the city", "行政区划代码")]
    received_at: Annotated[Time, about("When the citizen sent it, as the transport says", "来件时间", index="date")]
    ingested_at: Annotated[Time, about("When we took it", "接入时间", index="date")]
    message_class: Annotated[str, about("Who or what speaks", "来件类别", words=enums.MESSAGE_CLASSES)] = "person"
    sender: Annotated[Party | None, about("Who wrote", "诉求人", index="object")] = None
    recipients: Annotated[tuple[Party, ...], about("To and Cc", "收件人", pii=1, index="object")] = ()
    thread: Annotated[Thread, about("Conversation", "会话", index="object")] = field(default_factory=Thread)
    part: Annotated[Part | None, about("Part of a long SMS", "长短信分段", index="none")] = None
    call: Annotated[Call | UnsetType, about("What a call's record tells", "通话记录", index="object")] = UNSET
    title: Annotated[str | None, about("Title as written", "标题", pii=1, index="words")] = None
    text: Annotated[str, about("Text as written; at most 64 KiB", "诉求内容", pii=2, index="words")] = ""
    search_text: Annotated[str, about("Title and text, folded for search", "检索文本", pii=2, index="text")] = ""
    quoted: Annotated[str | None, about("Quoted earlier text, split off", "引用内容", pii=2, index="words")] = None
    signature: Annotated[str | None, about("Signature, split off", "签名", pii=1, index="none")] = None
    attachments: Annotated[tuple[Attachment, ...], about("Files that came with it", "附件", index="object")] = ()
    findings: Annotated[tuple[Finding, ...], about("What was understood", "识别结果", index="object")] = ()
    features: Annotated[Features, about("What decide() sees", "特征", index="none")] = field(default_factory=Features)
    emergency: Annotated[Emergency | None, about("An emergency seen in it", "紧急情况", index="object")] = None
    raw: Annotated[RawRef, about("Where its bytes are", "原始记录", index="object")]
    normalizer_version: Annotated[
        int, about("Version of the normalizers; the index version", "规范化版本", index="long")
    ]
    trace: Annotated[
        str | None, about("W3C traceparent under which the message began", "链路追踪标识", index="none")
    ] = None
    foreseen: Annotated[
        Foreseen | UnsetType, about("What masks will look for in it, found beforehand", "预先识别", index="none")
    ] = UNSET
    extra: Annotated[
        dict[str, str], about("Fields of an import that have no place here", "其他字段", pii=2, index="none")
    ] = field(default_factory=dict)
