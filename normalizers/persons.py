"""Third persons (第三人) in a folded text: names that stand between what people say around a name.

A name of two or three characters looks like any other word. It is believed where a word for a person stands before it
(房东, 校长：, 举报, 楼上的, 702的) and the sentence goes on behind it, or where the sentence begins with it and goes on
as only one about a person does (的妈妈, 殴打, 等人). Words and places that begin like a name are none.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from normalizers.findings import divisions
from normalizers.findings.words import trie

Span = tuple[int, int]

_HAN = "\u4e00-\u9fff"
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟"
    "谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔汤樊葛邢乔庞颜倪聂翟殷"
    "詹耿俞柳祝阮柯童凌裴霍翁冉骆柴喻祁蒲滕屈饶牟穆缪褚娄窦戚岑卜柏瞿佟臧闵邬卞栾隋甄虞敖巩佘邝阎尤涂温康施申欧焦"
)
"""That seldom begin a word; 于, 向, 和, 时 and the like are left out, they are what a sentence is made of."""

_TWO_SURNAMES = "欧阳 司马 上官 诸葛 司徒 夏侯 慕容 皇甫 尉迟 公孙 令狐 长孙 宇文 轩辕 端木 申屠 独孤 东方 南宫"

_NEVER_GIVEN = (
    "的了着过不没无未在是有和与及跟对从向往到去于因把被将给让使叫要会能应该都也还又再就才只很太最更已但且或若则所"
    "其这那哪此每各某个些们位吗呢吧啊呀我你您他她它说问称区县市镇乡村街路巷校厂店站司局院园楼号层栋幢室部队会馆所"
    "库桥河港寺庙府县州省费款"
)
"""What no given name is made of: the grammar of a sentence, and how places and bodies end."""

_WORDS = """
王者 王牌 王国 王府 王朝 李子 张贴 张家 张开 张口 张望 张扬 陈述 陈旧 陈列 陈设 杨树 杨梅 杨柳 黄金 黄河 黄色 黄土
黄山 黄石 黄线 黄沙 黄昏 黄豆 黄牛 黄泥 黄酒 黄梅 黄花 黄龙 黄海 黄标 黄灯 黄瓜 黄兴 黄赌 黄毒 黄水 黄叶 黄包 周边
周围 周末 周一 周二 周三 周四 周五 周六 周日 周期 周转 周年 周到 周折 周密 周岁 周内 周遭 周知 周全 周天 周几 徐徐
孙子 孙女 孙辈 马路 马上 马桶 马戏 马达 马车 马匹 马虎 马克 马来 马拉 马力 马甲 朱红 胡同 胡乱 胡须 胡子 胡椒 胡萝
胡来 胡闹 胡搅 何时 何地 何处 何必 何况 何人 何种 何以 何尝 何等 何年 何方 何故 何谓 何苦 何止 何来 何为 何事 何原
何理 何意 何日 何许 何部 何单 何因 何罪 何用 高新 高速 高铁 高层 高空 高压 高价 高声 高烧 高三 高二 高一 高中 高校
高考 高度 高温 高峰 高额 高级 高等 高清 高档 高危 高龄 高血 高兴 高质 高效 高架 高大 高低 高达 高利 高端 高管 高分
高职 高薪 高音 高昂 高出 高频 高程 高位 高杆 高原 高山 高科 高标 高发 高尔 高喊 高数 高楼 高举 高呼 林业 林地 林木
林区 林场 林带 林权 林立 林荫 林园 林子 林间 罗列 罗嗦 罗马 郑重 梁柱 梁子 谢谢 谢绝 谢意 宋代 唐朝 唐人 许多 许可
许久 许诺 许愿 韩国 韩语 韩式 曾经 曾多 曾几 曾找 曾打 曾被 曾来 曾提 曾出 曾报 曾反 曾投 曾两 曾三 曾一 曾二 曾为
曾联 曾致 曾受 曾发 曾口 曾答 曾承 曾收 曾住 曾做 曾用 曾拨 曾申 曾开 曾同 曾咨 曾电 曾写 曾数 曾以 曾与 肖像 田地
田间 田园 田里 田埂 田径 田中 董事 余款 余额 余下 余热 余地 余年 余万 余元 余人 余名 余户 余米 余亩 余家 余平 余次
余天 余吨 余震 余套 余台 余辆 余公 余斤 余条 余栋 余岁 余业 余幢 余份 余项 余处 余里 杜绝 杜鹃 叶子 叶片 程度 程序
程式 苏醒 苏打 苏宁 丁字 丁香 丁克 任何 任意 任务 任职 任由 任凭 任教 任期 任课 任命 任用 任性 任免 任选 任其 任一
钟头 钟点 钟表 钟楼 钟声 钟左 钟以 钟后 钟内 钟就 陆续 陆地 陆军 陆路 陆陆 汪汪 汪洋 范围 范例 范本 范畴 金额 金融
金属 金钱 金店 金牌 金色 金银 金矿 金条 金饰 金子 金秋 金域 金碧 金鱼 金科 金地 金茂 金卡 金砖 金贷 金管 金缴 金支
金提 金使 金账 金等 金已 金收 金退 石油 石头 石材 石子 石灰 石化 石板 石料 石雕 石英 石膏 石棉 石墩 石阶 石砖 石块
石渣 石粉 石柱 石碑 石场 石球 石凳 石山 石沙 夏天 夏季 夏令 夏日 夏夜 夏装 夏收 付款 付费 付钱 付出 付清 付完 付全
付首 付定 付房 付押 付租 付工 付利 付息 付现 付账 付多 付之 付诸 付尾 付违 付部 付相 付高 付一 付两 付几 付百 付十
方便 方案 方面 方式 方法 方向 方位 方圆 方形 方才 方可 方言 方正 方块 方米 方针 方得 方知 方始 方进 白天 白色 白酒
白云 白白 白班 白领 白菜 白粉 白烟 白纸 白条 白癜 白血 白内 白发 白糖 白灰 白蚁 白线 白板 白水 白沫 白洞 白吃 白拿
白干 白交 白等 白跑 白夜 白花 白费 白化 白纹 熊猫 熊孩 熊熊 江边 江水 江河 江堤 江岸 江滩 江湖 江景 江心 江面 江畔
江段 段落 段时 段路 段距 段视 段位 段子 段话 段期 段考 段施 段道 段交 段是 雷雨 雷电 雷击 雷达 雷锋 雷厉 雷同 雷声
雷区 龙头 龙眼 龙虾 龙舟 龙卷 龙骨 史上 史料 史书 陶瓷 陶醉 贺卡 顾客 顾虑 顾问 顾及 顾此 顾忌 顾家 顾全 毛病 毛巾
毛坯 毛孩 毛发 毛毛 毛衣 毛重 毛利 毛线 毛笔 毛孔 毛石 毛竹 毛主 毛泽 万一 万元 万科 万达 万物 万人 万家 万分 万平
万块 万多 万余 万年 万般 万象 万方 万里 万能 万岁 万户 万亩 万立 万吨 万左 万以 万事 万盛 万美 万辆 万步 万税 万首
万贷 万万 钱包 钱财 钱物 钱币 钱数 钱转 钱交 钱退 钱打 钱用 钱花 钱拿 钱收 钱付 钱存 钱借 钱全 钱等 钱多少 钱少 钱买
钱请 钱出 钱修 钱建 钱办 钱看 钱来 钱后 钱之 钱租 钱是 钱没 钱越 钱合 钱根 钱从 钱人 钱家 钱一 钱两 钱进 严重 严格
严厉 严禁 严肃 严查 严惩 严密 严谨 严峻 严打 严防 严控 严令 严寒 严守 严明 严实 严处 严管 严正 严加 严抓 严把 严办
武术 武警 武器 武装 武力 武校 武断 戴口 戴头 戴帽 戴手 戴眼 戴上 戴好 戴牙 戴套 莫名 莫非 莫大 莫斯 孔雀 孔子 孔洞
汤锅 汤水 汤料 汤药 汤包 柳树 柳絮 童年 童装 童鞋 童叟 童工 童车 凌晨 凌乱 凌空 翁婿 柴油 柴火 屈服 屈指 饶恕 穆斯
卜卦 柏油 柏树 温度 温馨 温泉 温水 温暖 温室 温饱 温和 温差 温控 温习 康复 康养 康庄 施工 施救 施行 施肥 施压 施加
施暴 施划 施教 施舍 申请 申报 申诉 申领 申办 申通 申冤 申购 申批 申明 申述 申告 欧洲 欧式 欧美 欧元 焦急 焦虑 焦点
焦炭 焦味 祝愿 祝福 祝贺 祝您 祝好 祝大 祝工 祝身 颜色 颜面 涂料 涂鸦 涂抹 涂层 涂改 涂写 尤其 尤为 童心 康乐 康居
温情 申遗 林格 周黑 周大福 周六福 周大生 康师 范思 张小泉 张裕 王老吉 李宁 马可 马应 陈李济 钱大妈 韩束 金龙 金立
方太 方特 苏泊尔 徐福 徐工 许留 黄记 万和 康佳 康宁 汤臣 江铃 江淮 江小白 白象 白沙 贾国 麦当 柯达 柯尼 尤尼
"""
"""Words that begin like a name."""

_PERSONS = """
房东 二房东 老板 老板娘 店主 店长 店员 包工头 工头 同事 同学 同桌 室友 邻居 邻居家 楼上的 楼下的 隔壁的 对门的 隔壁
对门 村支书 支书 村主任 村长 队长 班主任 班主任老师 任课老师 老师 校长 园长 院长 教练 司机 驾驶员 肇事司机 车主 医生
护士 大夫 主治医生 患者 病人 死者 伤者 受害人 被害人 学生 女生 男生 租客 租户 中介 经纪人 物业经理 项目经理 大堂经理
客服经理 销售经理 经理 主管 客服 业务员 推销员 销售员 销售 法人 法人代表 法定代表人 负责人 承包人 承包商 承包方 嫌疑人
肇事者 凶手 施暴者 骗子 小偷 老赖 被告 原告 当事人 舅舅 舅妈 叔叔 伯伯 伯父 姑姑 姑父 姨妈 姨夫 姐夫 妹夫 嫂子 弟媳
表哥 表弟 表姐 表妹 堂哥 堂弟 堂姐 堂妹 大哥 大姐 哥哥 弟弟 姐姐 妹妹 女婿 儿媳 儿媳妇 前夫 前妻 男友 女友 男朋友
女朋友 对象 我爱人 我老公 我老婆 我朋友 的朋友 我儿子 我女儿 我孙子 我孙女 我父亲 我母亲 我爷爷 我奶奶 我外公 我外婆
我岳父 我岳母 我侄子 我外甥 我妈 我爸 我妈妈 我爸爸 我哥 我姐 我弟 我妹 我公公 我婆婆 我媳妇 其父 其母 其子 其女 其夫
其妻 之子 之女 村民 居民 业主 住户 户主 村霸 恶霸 社员 队员 工人 职工 员工 保安 保洁 保姆 网格员 接待人员 工作人员
男子 女子 一男子 老人 孕妇 男孩 女孩 小孩 孩子
"""
"""Words for a person that stand right before a name, or before a colon and the name."""

_SAID_OF = """
法人是 法人为 法人代表是 法人代表为 法定代表人是 法定代表人为 负责人为 班主任是 名为 名叫 叫做 有个叫 有叫 对方叫
接待我的 投诉 举报 控告 状告 起诉 检举 实名举报 联系 联系了 联系到 找 找了 找到 被 向 跟 由 叫 给了 转给 转给了 借给
借给了 交给 交给了 卖给 卖给了 付给 还给
"""
"""What says who it is, and verbs that somebody is the object of, right before a name."""

_GOES_ON = """
的 了 不 没 在 是 有 和 与 及 跟 对 从 向 到 去 来 把 被 将 给 让 叫 要 会 能 应 都 也 还 又 再 就 才 只 很 已 说 称
讲 等 家 打 骂 欠 收 拿 借 骗 拒 占 养 卖 偷 开 跑 住 扣 逃 签 因 带 砸 推 踢 咬 闹 吵 拆 挖 盖 搭 倒 扔 做 撞 摔 受
失 往 以 于 曾 遭 今年 昨天 今天 前天 明天 每天 每晚 天天 经常 多次 已经 一直 一家 一人 一伙 两人 两口子 两户 三人 夫妇
夫妻 父子 父女 母女 母子 本人 私自 私搭 私建 违规 违法 违建 半夜 夜里 晚上 早上 拖欠 动手 态度 负责 占用 侵占 非法
乱 长期 强行 强占 强拆 威胁 恐吓 殴打 辱骂 持刀 喝酒 酒后 答应 承诺 表示 告诉 要求 利用 伙同 以及 同志 先生 女士 老师
医生 警官 主任 书记 经理 处 手里 手中 名下 现年 现住 家里 身份 电话 手机 联系 欺负 虐待 体罚 性骚扰 猥亵 骚扰 诈骗
霸占 破坏 偷盗 聚众 赌博 吸毒 贪污 受贿 挪用 冒用 冒领 冒充 私吞 克扣 阻拦 阻挠 堵 强奸 抢
"""
"""How a sentence goes on behind a name."""

_SURELY_GOES_ON = """
的妈妈 的爸爸 的母亲 的父亲 的妈 的爸 的儿子 的女儿 的老婆 的妻子 的丈夫 的老公 的爱人 的哥哥 的弟弟 的姐姐 的妹妹
的爷爷 的奶奶 的外公 的外婆 的孙子 的孙女 的侄子 的家属 的家人 的班主任 的户口 的身份证 的手机 的电话 的微信 的工资
的工资卡 的银行卡 的车 的房子 的房屋 的家里 的遗体 的媳妇 的女婿 的儿媳 的舅舅 的叔叔 的低保 的病历 的账户 打了 打我
打人 打伤 打骂 殴打 辱骂 骂我 骂人 持刀 威胁 恐吓 欠我 欠款 欠钱 欠下 拖欠 骗了 骗我 骗走 借钱 借了 借走 收了我 收我
收钱 说他 说她 说我 说没 说不 告诉我 答应 承诺 等人 等三人 等两人 两人 两户 二人 夫妇 夫妻 父子 两口子 和他 和她
和其 与其 伙同 老人 老师 同志 警官 同学 家的狗 家的 家在 家里 家违 家私 家盖 家占 骑车 骑电 开车 醉酒 酒后 酒驾 喝酒
动手 逃逸 跑路 失踪 走失 去世 死亡 病故 死了 侵占 霸占 冒用 冒领 性骚扰 猥亵 虐待 体罚 欺负 今年 现年 男, 女, (男
(女 (电话 (身份 电话1 手机1 ,男 ,女 、男 、女 开的饭店 开的店 开的
"""
"""How one goes on that is about a person."""

_TITLES = """
局长 副局长 处长 科长 所长 副所长 镇长 副镇长 乡长 县长 区长 市长 书记 村长 村主任 主任 副主任 校长 园长 院长 队长
组长 站长 支书 警官 警察 律师 法官 护士 教练 会计 教授 老板 老板娘 科员 总监 工头 经理 董事长 厂长 班长 主管
"""
"""Offices by which somebody is called behind the surname."""

_STOPS = """,。.;:!?、 \t\n\r()"'“”"""
_BEFORE_SURE = f"是和与跟对把给让找由替帮因像{_STOPS}"
_BEFORE_TITLED = f"与跟对把给让找由的是向被{_STOPS}"

_AT_ONCE = (
    "(?:半夜|私自|私搭|动手|态度|负责|占用|拒载|逃逸|住院|一直|经常|已经|多次|今年|每天|天天|长期|强行|不[付退给让理管还]|没有|"
    "养了|养狗|养鸽|卖过|往楼|往下|收家|收了|收费|收钱|乱倒|乱扔|让学|打伤|跑了|在楼|在医|在工|在小|在厂|在学|在网|被)"
)
"""Words whose first character might else be taken for the end of a name."""


_OF_A_DOOR = re.compile("[0-9]{3,4}[室房户]?的$")
_SALUTATION = re.compile(r"[:,\s]*[您你]好")


def persons(text: str) -> Iterator[Span]:
    """Yield where a third person is named in a folded text, by what stands before and behind the name."""
    known = _patterns()
    for found in known.names.finditer(text):
        if _stands_right(text, found, known) and not known.words.match(text, found.start()):
            yield found.span()


def _stands_right(text: str, found: re.Match[str], known: "_Patterns") -> bool:
    """Say whether what stands before the name goes with what stands behind it.

    业主方 is no name but one side of two. Who is addressed (尊敬的…, …您好) is no third person.
    """
    at, kind = found.start(), found.lastgroup
    before = text[at - 1 : at]
    if kind == "titled":
        addressed = text.endswith("尊敬的", 0, at) or _SALUTATION.match(text, found.end())
        return before in _BEFORE_TITLED and not addressed
    if kind == "sure" and before in _BEFORE_SURE:
        return True
    if before == "的" and _OF_A_DOOR.search(text, max(0, at - 6), at):
        return True
    is_side = found[0][0] == "方" and before in "主告介户人客包校院"
    return text.endswith(known.before.get(before, ()), 0, at) and not is_side


class _Patterns(NamedTuple):
    """Names with what stands behind them; `words` begin like one, `before` are words for persons by how they end."""

    names: re.Pattern[str]
    words: re.Pattern[str]
    before: dict[str, tuple[str, ...]]


@cache
def _patterns() -> _Patterns:
    given = f"(?:(?![{_NEVER_GIVEN}])[{_HAN}])"
    sure, behind = trie(_SURELY_GOES_ON.split()), rf"(?={trie(_GOES_ON.split())}|[{_STOPS}0-9+]|$)"
    at_once = rf"{given}(?={sure}|{_AT_ONCE}|[{_STOPS}0-9+]|$)"
    before: dict[str, tuple[str, ...]] = {}
    for word in (*_PERSONS.split(), *_SAID_OF.split(), *(f"{word}:" for word in _PERSONS.split())):
        before[word[-1]] = (*before.get(word[-1], ()), word)
    names = (
        rf"{_surname(''.join(before) + _BEFORE_SURE + _BEFORE_TITLED)}(?:(?P<sure>{given}{{1,2}}?(?={sure}))"
        rf"|(?P<titled>{given}{{0,2}}?(?:{trie(_TITLES.split())}))"
        rf"|(?P<told>{at_once}|{given}{{2}}{behind}|{given}{behind}))"
    )
    return _Patterns(re.compile(names), re.compile(trie([*_WORDS.split(), *_places()])), before)


def _surname(after: str) -> str:
    """Return the pattern of a surname at the beginning of the text, or behind one of these characters.

    It begins with the surname, so that the search stops at nothing else.
    """
    return f"(?:[{_SURNAMES}](?<![^{after}].)|(?:{trie(_TWO_SURNAMES.split())})(?<![^{after}]..))"


def _places() -> list[str]:
    """Return the names of divisions that begin like a name: 金华 is a city, and so is whoever is called so."""
    begins = (*_SURNAMES, *_TWO_SURNAMES.split())
    return sorted({one for one in divisions.names() if one.startswith(begins) and len(one) > 1})
