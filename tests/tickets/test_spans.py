"""Personal spans: the forms people write numbers, names and doors in, and the ordinary words that only look alike."""

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalizers.pii.detect import personal_spans
from normalizers.text.fold import SPOKEN_DIGITS, fold
from tests.rows import each_row
from tickets.masking.mask import mask_text

TOKEN = "210100-l6o7pf3xok7gtemocfcx.k1.abcdefgh2345mnop"

HIDDEN = {
    "letters before": ("tel13800138000", "13800138000"),
    "wechat before": ("微信wx13800138000", "13800138000"),
    "letters after": ("13800138000wx", "13800138000"),
    "dots": ("138.0013.8000", "0013"),
    "3-3-5": ("138 001 38000", "38000"),
    "2-3-3-3": ("13 800 138 000", "800 138"),
    "each digit": ("1 3 8 0 0 1 3 8 0 0 0", "3 8 0"),
    "long dash": ("138—0013—8000", "0013"),
    "full-width dash": ("138－0013－8000", "0013"),
    "zero width": ("138\u200b0013\u200b8000", "0013"),
    "two blanks": ("138  0013  8000", "0013"),
    "line end": ("电话1380013\n8000", "1380013"),
    "keycaps": ("1️⃣3️⃣8️⃣0️⃣0️⃣1️⃣3️⃣8️⃣0️⃣0️⃣0️⃣", "8️⃣0️⃣"),
    "circled": ("①③⑧⓪⓪①③⑧⓪⓪⓪", "③⑧"),
    "Han digits": ("电话一三八零零一三八零零零", "八零零一"),
    "two without blank": ("1380013800013900139000", "13900139000"),
    "two with a slash": ("13800138000/13900139000", "13900139000"),
    "country code": ("008613800138000", "13800138000"),
    "landline with blanks": ("024 2345 6789", "2345"),
    "landline in brackets": ("(024) 2345 6789", "2345"),
    "landline in wide brackets": ("（024）23456789", "23456789"),
    "landline abroad": ("+86 24 2345 6789", "2345"),
    "landline with extension": ("024-23456789-801", "801"),
    "local landline": ("座机23456789", "23456789"),
    "local landline with dash": ("家里电话2345-6789", "2345"),
    "id with blanks": ("210102 19900101 1234", "19900101"),
    "id with dashes": ("210102-19900101-123X", "19900101"),
    "old id": ("210102900101123", "900101"),
    "passport": ("护照E12345678", "12345678"),
    "passport alone": ("证件E15012345办的", "15012345"),
    "pass": ("港澳通行证C12345678", "12345678"),
    "card in fours": ("6222 0212 3456 7890", "3456"),
    "qq": ("QQ号123456789", "123456789"),
    "wechat": ("微信号zhangsan_88", "zhangsan"),
    "Han mail": ("邮箱张三@qq.com", "张三"),
    "spaced mail": ("zhangsan @ qq.com", "zhangsan"),
    "spelled mail": ("zhangsan(at)qq.com", "zhangsan"),
    "wide mail": ("zhang．san＠qq．com", "zhang"),
    "two-character surname": ("我叫欧阳修", "欧阳修"),
    "own name": ("本人李明，住在这里", "李明"),
    "reporter": ("反映人：李明", "李明"),
    "complainant": ("投诉人李明，电话", "李明"),
    "own name in a sentence": ("我叫李明是阳光花园业主", "李明"),
    "own name before a verb": ("姓名：李明反映路灯", "李明"),
    "traditional": ("我叫張偉，", "張偉"),
    "rare surname": ("我叫谷雨，", "谷雨"),
    "name with a dot": ("我叫买买提·艾力，", "买买提"),
    "Latin name": ("我叫Li Ming,", "Li Ming"),
    "name with a blank": ("姓名：李 明，", "李 明"),
    "owner": ("业主李明反映", "李明"),
    "husband": ("我丈夫张三，", "张三"),
    "signature": ("请处理。\n此致敬礼\n李明\n2026年11月25日", "李明"),
    "last line": ("路灯坏了，请处理。\n李明", "李明"),
    "last line and telephone": ("请处理，谢谢！\n李明\n13800138000", "李明"),
    "somebody's home": ("李明家", "李明"),
    "Han door": ("阳光花园三号楼二单元五零一室", "五零一"),
    "Han door alone": ("住五零一室", "五零一"),
    "lettered block": ("万达广场A座1203", "1203"),
    "estate door": ("阳光小区12-501", "501"),
    "house and door": ("我家12-501漏水", "501"),
    "high floor": ("15-1602住户", "1602"),
    "door behind a lettered house": ("中山路12号甲501有人", "501"),
    "door behind a house": ("中山路12号501的老人", "501"),
    "extension with blanks": ("0591-87654321 转 8012，白天", "8012"),
    "extension in brackets": ("0591-87654321（转）8012，白天", "8012"),
    "extension named": ("0591-87654321分机号808", "808"),
    "extension hash": ("0591-87654321#8012，白天", "8012"),
    "extension in English": ("0591-87654321 ext. 8012，白天", "8012"),
    "id with a small x": ("身份证11010519491231002x，请查", "11010519491231002"),
    "id with a wrong check digit": ("证号110105194912310021，请查", "194912310021"),
    "card by Luhn": ("4111111111111111付的", "4111111111111111"),
    "card of nineteen digits": ("卡6222021234567890128付的", "6222021234567890128"),
    "new energy plate, letter first": ("粤BD12345停在门口", "粤BD12345"),
    "new energy plate, letter last": ("京A12345F停在门口", "京A12345F"),
    "plate with blanks": ("闽 A 12345停在门口", "闽 A 12345"),
    "plate with a dot": ("闽A·12345停在门口", "闽A·12345"),
    "plate of a trailer": ("闽A1234挂停在门口", "闽A1234挂"),
    "plate of a learner": ("闽A1234学停在门口", "闽A1234学"),
    "plate across the border": ("粤Z1234港停在门口", "粤Z1234港"),
    "plate of the armed police": ("WJ闽12345停在门口", "WJ闽12345"),
    "surname of somebody": ("我是姓李的业主", "李"),
    "surname before a name of respect": ("李先生和张女士来过", "张"),
    "both surnames": ("欧阳女士来过", "欧阳"),
    "humble surname": ("免贵姓李", "李"),
    "door in a block by its floor": ("阳光小区8座15楼1502", "1502"),
    "door in a block": ("阳光小区8幢1502", "1502"),
    "door by its side": ("12号楼东单元501有人", "501"),
    "side of a landing": ("8号楼1单元3楼东户漏水", "东户"),
    "side of a landing alone": ("我家3楼西户漏水", "西户"),
    "door in a lettered building": ("丙栋601漏水", "601"),
    "door in a lettered building with words": ("A栋3单元1203室", "1203"),
    "door behind a house and its floor": ("工业路88号3层302漏水", "302"),
    "Han staircase": ("翠湖小区6号楼三单元502", "502"),
    "Han staircase alone": ("四单元302漏水", "302"),
    "Han staircase behind a block": ("翠湖小区16号楼二单元1102", "1102"),
    "lettered staircase": ("7幢甲单元302", "302"),
    "block with letter and digit": ("C2栋1705房", "1705"),
    "lift": ("翠湖小区12座3梯1103", "1103"),
    "lettered staircase of a lettered house": ("东楼1103漏水", "1103"),
    "door with a letter": ("翠湖小区16栋15h漏水", "15h"),
    "hundreds in Han": ("三栋六百一十二", "六百一十二"),
    "Han door without its label": ("三号楼十二零一", "十二零一"),
    "room": ("我在307房住", "307"),
    "room before whose it is": ("602房业主把墙拆了", "602"),
    "high room": ("1216房", "1216"),
    "owner of a door": ("1103业主把墙拆了", "1103"),
    "from door": ("6号楼1304漏水到1204", "1304"),
    "to door": ("6号楼1304漏水到1204", "1204"),
    "door upstairs": ("楼上702天天拖椅子", "702"),
    "door of the other": ("隔壁305在砸墙", "305"),
    "my door": ("我家602进水", "602"),
    "hyphen": ("139‐2468‐1357", "2468"),
    "hyphen that does not break": ("139‑2468‑1357", "2468"),
    "figure dash": ("139‒2468‒1357", "2468"),
    "bar": ("139―2468―1357", "2468"),
    "minus": ("139−2468−1357", "2468"),
    "long vowel": ("139ー2468ー1357", "2468"),
    "one for a dash": ("139一2468一1357", "2468"),
    "slashes": ("139/2468/1357", "2468"),
    "commas": ("139，2468，1357", "2468"),
    "pauses": ("139、2468、1357", "2468"),
    "tildes": ("139~2468~1357", "2468"),
    "stars": ("139*2468*1357", "2468"),
    "bars": ("139|2468|1357", "2468"),
    "colons": ("139：2468：1357", "2468"),
    "three blanks": ("139   2468   1357", "2468"),
    "dashes between blanks": ("139 - 2468 - 1357", "2468"),
    "wide dashes between blanks": ("139 — 2468 — 1357", "2468"),
    "many dashes": ("139----2468----1357", "2468"),
    "landline with a slash": ("0411/83334455", "83334455"),
    "landline with a comma": ("0411，8333，4455", "8333"),
    "id with slashes": ("210102/19900101/1234", "19900101"),
    "id with hashes": ("210102#19900101#123X", "19900101"),
    "id in any groups by its check digit": ("110105、1949、1231、002X", "1231"),
    "card with commas": ("银行卡6222，0212，3456，7890", "3456"),
    "card with slashes by Luhn": ("4111/1111/1111/1111付的", "1111"),
    "formal digits": ("电话壹叁玖贰肆陆捌壹叁伍柒", "贰肆陆"),
    "Han id": ("身份证二一零一零二一九九零零一零一一二三四", "二一零一"),
    "end of a Han id": ("身份证二一零一零二一九九零零一零一一二三四", "一二三四"),
    "Han landline": ("座机零四一一八三三三四四五五", "八三三三"),
    "Han digits in groups": ("电话一三九，二四六八，一三五七", "二四六八"),
    "Han digits before a count": ("一三九二四六八一三五七两次没人接", "二四六八"),
    "Han digits among others": ("139二四六八1357", "二四六八"),
    "last digit in Han": ("139 2468 135七", "2468"),
    "local landline behind a comma": ("我的电话，83334455，请回", "83334455"),
    "local landline that was called": ("打电话到63334455没人接", "63334455"),
    "query code": ("查询码208846531977，请查", "208846531977"),
    "query code in pairs": ("查询码是20 88 46 53 19 77，请查", "46"),
    "query code in fours": ("用2088 4653 1977查不到", "4653"),
    "query code with dashes": ("用2088-4653-1977查不到", "4653"),
    "query code far from its word": ("查询码收到了，是208846531977，查不到", "208846531977"),
    "query code beside a ticket number": ("210100-20261125-000187-8，208846531977没结果", "208846531977"),
    "Han query code": ("查询码二零八八四六五三一九七七，请查", "八八四六"),
    "wechat id": ("WeChat ID: zhou_888", "zhou_888"),
    "wechat by a letter": ("v：zhou888x", "zhou888x"),
    "qq by its bird": ("企鹅号23456789", "23456789"),
    "mail with a spoken dot": ("zhouyun@163点com", "zhouyun"),
    "plate with a full stop": ("闽A.12345停在门口", "A.12345"),
    "plate with its word": ("闽牌A12345停在门口", "A12345"),
    "plate of an embassy": ("使023456堵着门", "023456"),
    "pass of the other shore": ("台胞证23456789", "23456789"),
    "receiver": ("收货人：周芸", "周芸"),
    "end of a letter": ("落款：周雨涵", "周雨涵"),
    "signature behind dashes": ("请处理。\n——周雨涵", "周雨涵"),
    "signature behind dashes in the line": ("请处理！——周雨涵", "周雨涵"),
    "token": (f"附{TOKEN}，补充如下", "k1"),
    "token in capitals": (f"附{TOKEN.upper()}，补充如下", "K1"),
    "token that is cut off": (f"附{TOKEN[:-5]}", "k1"),
    "door with wide dashes": ("6—3—402", "402"),
    "door with minus signs": ("6−3−402", "402"),
    "door in a block of one letter": ("C2-1103漏水", "1103"),
    "identity card of Hong Kong": ("身份证A123456(7)，请查", "123456"),
    "identity card of Hong Kong, traditional": ("香港身份證Ｚ694217（3）", "694217"),
    "residence permit of a foreigner": ("永居证CHN110105900307办的", "110105900307"),
    "military papers": ("军官证南字第0123456号", "0123456"),
    "passport with a blank": ("护照号码：G 12345678", "12345678"),
    "passport in English": ("My passport is K1234567, please help", "1234567"),
    "medical card": ("医保卡号A12345678用不了", "12345678"),
    "hospital number": ("住院号123456的病人", "123456"),
    "telephone of Hong Kong": ("香港電話852-9123 4567請聯絡", "4567"),
    "telephone of Macau": ("+853 6612 3456", "3456"),
    "telephone of Taiwan": ("+886 912 345 678", "345"),
    "letters for digits": ("手机138OO138OOO", "138OO138"),
    "small l for one": ("手机l38oo138ooo", "oo138"),
    "qq in groups": ("QQ：1234 5678 9", "5678"),
    "penguin": ("企鹅123456789", "123456789"),
    "wechat by another character": ("威信zs198808", "zs198808"),
    "wechat apart": ("我的微.信zs198808", "zs198808"),
    "wechat with a heart": ("加薇❤️zs198808", "zs198808"),
    "account of a network": ("抖音号dyzs19880808", "dyzs"),
    "account of digits": ("小红书号987654321", "987654321"),
    "mail with blanks": ("邮箱zhangsan @ 163 . com", "163"),
    "mail by sound": ("邮箱zhangsan艾特163点com", "zhangsan"),
    "mail in words": ("邮箱zhangsan AT 163 DOT com", "zhangsan"),
    "mail with a hash": ("邮箱zhangsan#163.com", "zhangsan"),
    "mail with a full stop": ("邮箱zhangsan@163。com", "163。com"),
    "plate without province": ("电动自行车牌号A12345", "12345"),
    "plate of the army": ("军车KA12345停在门口", "12345"),
    "old plate of the army": ("军车空A12345停在门口", "12345"),
    "door by its side behind a floor": ("7号楼4单元6楼西门，没暖气", "西门"),
    "door in two numbers": ("6幢15-3停水", "15-3"),
    "door in two numbers behind a hash": ("我们12#3-602的暖气", "12#3"),
    "door with dashes": ("8号楼-1-602漏水", "8号楼"),
    "door of one digit": ("6号楼2单元8号", "8号"),
    "door behind a house in two numbers": ("民生路36号附5号3-2停水", "3-2"),
    "floor, stair and door": ("5号院6楼3门201漏水", "201"),
    "stair and door": ("友谊里5门301没暖气", "301"),
    "lettered room": ("彌敦道688號12樓B室", "B室"),
    "room of a floor": ("復興南路一段390號5樓之2", "之2"),
    "label apart": ("姓 名：陈大文，", "陈大文"),
    "label in brackets": ("【姓名】孙悦【电话】", "孙悦"),
    "Mongolian name": ("姓名：斯琴高娃，", "斯琴高娃"),
    "Uyghur name": ("我是阿卜杜拉·吐尔逊，", "吐尔逊"),
    "sex behind a name": ("来电人李秀英女65岁", "李秀英"),
    "two-character surname alone": ("敝姓歐陽", "歐陽"),
    "two-character surname of oneself": ("本人姓慕容，", "慕容"),
    "Latin name behind a label": ("联系人Wang Xiaoming，", "Xiaoming"),
    "English label": ("Name: Li Lei, tel 1", "Li Lei"),
    "English name": ("My name is Zhang San, I live here", "Zhang San"),
    "English signature": ("Best regards,\nZhang Wei", "Zhang Wei"),
    "somebody's daughter": ("女儿张雨涵在一中上学", "张雨涵"),
    "name of a child": ("孩子名字王梓涵，", "王梓涵"),
    "second of a list": ("村民孙长贵、李有田家的地", "李有田"),
    "third of a list": ("业主代表：孙悦、赵磊、李想", "李想"),
    "list with blanks": ("联名人：孙悦 赵磊 李想", "赵磊"),
    "three of a list": ("员工孙悦、赵磊、李想三人", "赵磊"),
    "name right before a number": ("联系方式：孙悦13800138000", "孙悦"),
    "name before a comma and a number": ("孙悦，13800138000", "孙悦"),
    "name in brackets behind a number": ("电话：13800138000（孙悦）", "孙悦"),
    "row of a table": ("1\t孙悦\t13800138000", "孙悦"),
    "closing words apart": ("孙悦 敬上", "孙悦"),
    "signature of an earlier message": ("路灯坏了，请处理。\n李明华\n2026年11月25日\n\n还是没有人来", "李明华"),
    "lettered staircase between dashes": ("丽景湾5-B-1203没水", "5-B"),
    "lettered staircase before a dash": ("丽景湾5栋B-1203", "1203"),
    "Han door behind a floor": ("丽景湾五栋三单元十二楼二号", "二号"),
    "hand of a landing": ("3号楼1单元4楼左手", "左手"),
    "side behind a floor": ("俺住3号楼4楼东", "4楼东"),
    "number of a room": ("房号：1802", "1802"),
    "last digits of an identity": ("身份证后六位077512", "077512"),
    "last digits of a card": ("银行卡尾号0123", "0123"),
    "holder of an account": ("户名：孙悦", "孙悦"),
    "holder of a card": ("持卡人孙悦，", "孙悦"),
    "officer": ("民警孙悦", "孙悦"),
    "who took the call": ("接线员孙悦态度差", "孙悦"),
    "husband before a verb": ("丈夫孙德贵去世", "孙德贵"),
    "party of a suit": ("孙德贵 男 60岁", "孙德贵"),
    "sex behind one's own name": ("本人孙德贵男60岁", "孙德贵"),
    "pupil's number": ("学籍号G110105201003077512", "2010030775"),
    "pupil and grade": ("孩子王梓涵三年级二班", "王梓涵"),
    "niece": ("我侄女王梓涵", "王梓涵"),
    "name before an identity": ("孙悦身份证110105199003077512", "孙悦"),
    "name before an identity in brackets": ("还有孙悦（身份证号110105199003077512）", "孙悦"),
    "Pinyin": ("姓名拼音WANG ZIHAN", "ZIHAN"),
}

SHOWN = [
    "请打12345，不是12319",
    "乘138路、139路公交到12路终点",
    "138.5元，150.50元，3800元",
    "15.50 16.50 17.80",
    "共计13,800,138,000元",
    "工资5000-8000元，2019-2020年",
    "2026年11月25日9:00-17:30，2026.11.25，2026-11-25 13:50",
    "工单210100-20261125-010187-8没有回复",
    "工单FZ16082600608，FZ16082600608",
    "来文号 SJ18012345678 已转办",
    "全国热线400-820-8820",
    "中山路12号、建设大街128号、解放路88号门口",
    "阳光小区3号楼电梯坏了",
    "第三会议室，两室一厅，三居室",
    "面积120平方米，一座3000平米的楼",
    "G1234次列车，T3航站楼，A座大堂",
    "国家、专家、大家、商家、厂家都知道",
    "我是高新区的居民，本人于昨天去过",
    "投诉人是江北区居民，反映人认为不合理",
    "叫做高空抛物，叫救护车，狗叫严重，",
    "联系人不接电话，姓名和电话都留了",
    "业主高度关注，市民方便出行",
    "微信支付和微信公众号都不能缴费",
    "路灯不亮\n高新区\n马路边",
    "请尽快处理，谢谢。",
    "邮政编码110000，车位号1203",
    "编号2013800138000的路灯杆",
    "预算50-100元，10-120分钟一班，晚上10-1230",
    "110-120、119都打过，3月12号120来过，10号110来过",
    "乘12-301路，2-101班，5号101路，3-1-2比分",
    "翠湖路96-102的店铺，2019.1-2019.4期间",
    "中山路12号1203个车位，11月5号1015分",
    "诉求编号fz16082600608已回复",
    "工单号16082600608没有回复，工单编号：16082600608",
    "客服4008208820，4001234567打不通",
    "藏windows电脑，新 iphone手机",
    "东楼3000平方米，南楼800元，A楼2016年完工，教学楼1200人",
    "工业路88号3层楼房，8号楼5层高",
    "2016、2018、2019年，135、2018、2019",
    "补贴150、3000、5000元，138、1200、3000元",
    "电费3105，2890，1600，1500元，101、102、103、104路",
    "1000 2000 3000三档，2018 2019 2020年",
    "从一五一十说起，三三两两，一九九八年到二零一八年，一、二、三、四、五、六、七组",
    "热线电话，20190305打过，票号FZ16082600608，工单号201608261234",
    "9:00-17:30，2026/11/25，11/25/2026 13:50:20",
    "210100-l6o7pf3xok7gtemocfcx",
    "tv:abcdefgh，使100000人受害，致使200000元损失，使300000元打水漂，企鹅馆12345678人",
    "收货人：本人，落款：黄金时代，周日@12点30分，新A点12分",
    "请到汽车南站——黄石",
    "新建一座450吨的储罐，一座220千伏变电站，一座1350立方的水池",
    "一栋一百户，三栋二十户，一栋120户，两座501米高的塔，一栋九十年代的老楼",
    "消防控制室，二楼消防室，119消防室，微型消防站",
    "5栋20层，3号楼12单元门口，12号楼18栋",
    "住在106国道旁，楼下105路公交，对面301医院，我家128平，我家2018年买的",
    "2012房地产，房价1203，每月1203元，1203号文件，房贷1203",
    "3-501路，B3-201路，3栋1200元，5栋1200多平，8栋600多户",
    "20230506-20230510停水",
    "信访件编号：XF2024050612345",
    "国药准字H20123456",
    "身份证号码错误怎么改",
    "身份证20160512办的",
    "车牌2023年摇到的",
    "抖音号被封了",
    "微信威信扫地",
    "3栋1-2天没水",
    "5栋1-3层停水",
    "5号楼西门的垃圾",
    "人民路12号3-5楼",
    "联系人：不详",
    "投诉人：不愿透露",
    "我女儿高中毕业",
    "家长万分着急",
    "张家港、江阴和周庄",
    "修路方案 2024年5月公布",
    "交付时间 2024年5月",
    "3单元2号电梯坏了",
    "尾号限行1和6",
    "5号楼3号电梯坏了",
    "书记高度重视",
    "房间号牌掉了",
    "民警马上赶到",
    "会计任何时候都不在",
]


@each_row(("text", "secret"), HIDDEN.values(), ids=HIDDEN.keys())
def test_personal_spans_are_found_as_written_and_folded(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in mask_text(text)
    assert fold(secret) not in mask_text(fold(text))


@each_row("text", SHOWN)
def test_ordinary_words_and_numbers_stay(text: str) -> None:
    assert mask_text(text) == text
    assert mask_text(fold(text)) == fold(text)


@each_row("whole", ["我的手机13800138000", "座机024-23456789", "身份证210102199001011234"])
@each_row("title", [True, False])
def test_a_number_that_a_cut_leaves_unfinished_is_masked(whole: str, *, title: bool) -> None:
    before = "路灯坏了，" * (10 if title else 1)
    first = next(at for at, character in enumerate(whole) if character.isdigit())
    for end in range(first + 3, len(whole) + 1):
        assert not any(character.isdigit() for character in mask_text(before + whole[:end]))


@pytest.mark.parametrize("begun", ["找我一三八零零一三", "手机一三八零", "电话是幺三八〇〇"])
def test_an_unfinished_number_in_words_is_masked(begun: str) -> None:
    assert not any(character in SPOKEN_DIGITS for character in mask_text(begun))


@each_row("begun", ["找我1380013", "找我138 0013 80", "找我024-234567", "证210102199001"])
def test_an_unfinished_number_needs_no_word_before_it(begun: str) -> None:
    assert not any(character.isdigit() for character in mask_text(begun))


characters = st.sampled_from("0138 -—.\n＠@李明我叫姓名：家先生座室号楼一二①\u200b張İﬁＡa😀")


@given(st.text(characters, max_size=60) | st.text(max_size=60))
def test_spans_lie_in_the_text_in_order(text: str) -> None:
    end = 0
    for start, stop in personal_spans(text, ("李明", "lin")):
        assert end <= start < stop <= len(text)
        end = stop


@given(st.text(characters, max_size=30), st.text(characters, max_size=30))
def test_a_number_is_masked_whatever_stands_around_it(before: str, after: str) -> None:
    text = f"{before}，13800138000，{after}"
    at = len(before) + 1
    covered = {place for start, stop in personal_spans(text) for place in range(start, stop)}
    assert covered >= set(range(at, at + 11))


@pytest.mark.parametrize(
    "piece",
    ["1", "1 3", "12-", "a", "李", "我叫", "@a", "a@", "（", "一", "0.1", "13800138000 ", "138,", "一二三四五六七八家"],
)
def test_no_text_makes_the_search_slow(piece: str) -> None:
    text = piece * (20_000 // len(piece))
    personal_spans("")
    start = time.process_time()
    personal_spans(text)
    assert time.process_time() - start < 1.5


def test_numbers_of_real_texts_are_told_from_ticket_numbers() -> None:
    """Hand-checked spans: landlines go, numbers of cases stay."""
    data = Path(os.environ.get("HOTLINE_DATA", "."))
    spans = data / "address" / "fuzhou_pii_spans.json"
    if not spans.is_file():
        pytest.skip("no real texts here: set HOTLINE_DATA to their folder")
    lines = (data / "tickets" / "hotline_tickets.jsonl").read_text(encoding="utf-8").splitlines()
    tickets = {ticket["id"]: ticket for ticket in map(json.loads, lines)}
    seen = set()
    for span in json.loads(spans.read_text(encoding="utf-8")):
        if span["ticket"] in tickets:
            found = personal_spans(tickets[span["ticket"]][span["field"]])
            covered = {at for start, end in found for at in range(start, end)}
            whole = set(range(span["start"], span["end"]))
            assert whole & covered == (set() if span["kind"] == "ticket_no" else whole), span["ticket"]
            seen.add(span["kind"])
    assert seen == {"landline", "ticket_no"}
