"""Golden frames: what Asterisk 22.10.1 sent of a real call from 13800138000 to 12345, and the line that it wrote."""

CHAN_START = (
    b"Event: CEL\r\nPrivilege: call,all\r\nEventName: CHAN_START\r\nAccountCode: \r\nCallerIDnum: 13800138000\r\n"
    b"CallerIDname: \r\nCallerIDani: \r\nCallerIDrdnis: \r\nCallerIDdnid: \r\nExten: 12345\r\nContext: hotline\r\n"
    b"Channel: PJSIP/citizens-00000000\r\nApplication: \r\nAppData: \r\nEventTime: 2026-11-25 22:39:08\r\n"
    b"AMAFlags: DOCUMENTATION\r\nUniqueID: 1795646348.0\r\nLinkedID: 1795646348.0\r\nUserfield: \r\nPeer: \r\n"
    b"PeerAccount: "
)

LINKEDID_END = CHAN_START.replace(b"CHAN_START", b"LINKEDID_END").replace(b"22:39:08", b"22:39:10")

USER_EVENT = (
    b"Event: UserEvent\r\nPrivilege: user,all\r\nChannel: PJSIP/citizens-00000000\r\nChannelState: 6\r\n"
    b"ChannelStateDesc: Up\r\nCallerIDNum: 13800138000\r\nCallerIDName: <unknown>\r\nConnectedLineNum: <unknown>\r\n"
    b"ConnectedLineName: <unknown>\r\nLanguage: en\r\nAccountCode: \r\nContext: hotline\r\nExten: 12345\r\n"
    b"Priority: 2\r\nUniqueid: 1795646348.0\r\nLinkedid: 1795646348.0\r\nUserEvent: HotlineCall\r\n"
    b"Caller: 13800138000"
)

CDR = (
    b"Event: Cdr\r\nPrivilege: cdr,all\r\nAccountCode: \r\nSource: 13800138000\r\nDestination: 12345\r\n"
    b'DestinationContext: hotline\r\nCallerID: "" <13800138000>\r\nChannel: PJSIP/citizens-00000000\r\n'
    b"DestinationChannel: \r\nLastApplication: Hangup\r\nLastData: \r\nStartTime: 2026-11-25 22:39:08\r\n"
    b"AnswerTime: 2026-11-25 22:39:08\r\nEndTime: 2026-11-25 22:39:10\r\nDuration: 1\r\nBillableSeconds: 1\r\n"
    b"Disposition: ANSWERED\r\nAMAFlags: DOCUMENTATION\r\nUniqueID: 1795646348.0"
)

HANGUP = (
    b"Event: Hangup\r\nPrivilege: call,all\r\nChannel: PJSIP/citizens-00000000\r\nChannelState: 6\r\n"
    b"ChannelStateDesc: Up\r\nCallerIDNum: 13800138000\r\nCallerIDName: <unknown>\r\nConnectedLineNum: <unknown>\r\n"
    b"ConnectedLineName: <unknown>\r\nLanguage: en\r\nAccountCode: \r\nContext: hotline\r\nExten: 12345\r\n"
    b"Priority: 4\r\nUniqueid: 1795646348.0\r\nLinkedid: 1795646348.0\r\nCause: 16\r\nCause-txt: Normal Clearing"
)

LINE = (
    b'"","13800138000","12345","hotline",""""" <13800138000>","PJSIP/citizens-00000000","","Hangup","",'
    b'"2026-11-25 22:39:08","2026-11-25 22:39:08","2026-11-25 22:39:10",1,1,"ANSWERED","DOCUMENTATION",'
    b'"1795646348.0","","","1795646348.0",0'
)
"""With loguniqueid, loguserfield, newcdrcolumns and usegmtime."""
