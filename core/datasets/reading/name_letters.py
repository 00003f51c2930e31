"""Languages of file names: their old encodings, and how common their letters are.

Letters stand in the order of how common they are in the word lists of the package ``wordfreq``
(3.1; Thai: in the names that ``babel`` has); only that order is kept. Characters of Chinese,
Japanese and Korean: the 620 commonest.
"""

import unicodedata
from dataclasses import dataclass
from math import log

SIMPLIFIED = (
    "一人不大国有中上子会出学生地年家发来行下时天动为是法分主长公成部事民用小自开多个性日到这力斯"
    "机心无面过好理高名方新手体于政业文电作外本以全者意定工三实里点化得同后特利在合前场尔西要可能"
    "重说水加员第战制道美区对物头入车进之情当产教经安的海军十度两市内起女现期明关数相看代拉南通克"
    "东所二位身回金然交亚口报信总平我次门想老马万路正打权山气书建比任务院最种流保间此解世处网量表"
    "品德立视放见资么台北着线应受选常了如话科联反原运爱感样知传华色共论收真级接结去士义太商月党光"
    "议而们计变风那语几强基记四提队别其治清空乐儿转星件向布取师程巴首球管集难和单局城导调就片州各"
    "社火界专图从节言没指格系目少领活带五统器委元组击命设问影百称观案他号改游周失使声质决价直白死"
    "边约服达省神因证装尼等造团推只办花式演官先字认广深司近果及维干落府赛音形很条查快持由求给病至"
    "还展非英规术创复算护住林极职热营走步预更何标费精族离连试类友校亲参历整客兰告该剧古听做害站早"
    "举示每都照张争些阿列备房米支罗河黑钱率并题消将警杀今型眼像引纪料源思投存王满增除完助修男江容"
    "境夫写六据农确已密伤防红史效包石卫半波致你派往识层注考留众被准评象未低播编足录远再假息医许育"
    "千与值具势属技哈项望武八随态卡觉必请画救停限根晚独绝段奖易越兴断获普哥份纳切排食优居速模超汉"
    "飞药便土京才兵例血协版什福初察养责念户破威轻际功也研宝怎角货微印置洲双犯压艺母油玩室换划底班"
    "谈歌"
)
TRADITIONAL = (
    "一人不大國有中上子會出學生地年家來行下發時天動為是法分主長公成部事民用小自開多個性日到這力斯"
    "機心無過好理高名方新面手體於政業文電作外本以全者意定工三實點化得同特利在合前後場爾西要可能重"
    "說水加員第戰道美區對物頭入車進之情產教當經安的海軍十度兩市內起女現期明關數相看代著拉南通東所"
    "二位身克金然交亞口報信總平我次門想老馬萬路正打權山氣書回建制比任務院最種流保間此解世處網量品"
    "德立視放見資麼表北線應受選常如話科聯反原運愛裡感樣知傳華色共論收臺真級接結去士了義太商月黨光"
    "議而們計變風那語幾強基記四提隊其別治清空樂兒轉星件取師程巴首球管集難向和單城導調就片州各社火"
    "界專圖從局節言沒指格目少領活帶五統器委元組擊命設問影百稱觀案他號改失里使聲質決價直白死邊約服"
    "達省神因證裝尼等造推辦花式演官團先字認廣深司近果及維落府賽音形很條查快持由求給病至還展非英規"
    "術創算護住林極職熱營走步預更何標只費精族離連試類友校親參整像遊客蘭告該劇古聽做害站早舉示每都"
    "照張爭些阿列備房米支羅河黑錢率題消將警歷殺今型眼引紀料源思投存王滿增除完助修男江容境寫六農確"
    "已密傷防夫紅史效據包石衛半波你派往識層考留眾被週評未低播編足錄遠再假息醫許育與系值勢屬技哈千"
    "項望武八隨態卡覺必請畫救停限根晚具獨絕段獎易越興斷普致哥份納切排食優居並速模布超漢飛藥象便土"
    "京才兵例獲血協版什福初察養責戶破威輕際功也研寶怎角貨微印置洲製雙犯念壓幹藝母油玩室換底班談準"
    "歌配"
)
KANJI = (
    "大人出上一日生見子本手行気中合入分田国事下会学自地取長物間発動方体年立無高不作定前新小用山言"
    "通名実部当時内込理場力戦目金野付後知思面同全最外明回者度水成来業切美引性食道女原書意川所心数"
    "月持変開着有主直代文解対今感正家法味話安信東教連期口先社使神楽電真化現向機多公売近海車愛強画"
    "関結特重死受民決流島身集悪相天落乗語保白産平加空少要品進員木何送世選過点様記起良和調色的放勝"
    "好線続風初素配能務報返表指三北追伝経転違組殺読料制優元別格止置屋質市利仕議広交張聞終足消太想"
    "運音残村共半親士反買撃役番在情常西断装井式収待問確飛達増予難可次古限石早失計王論演設店打命校"
    "工土治形位台始宮絶頭急職休支任応住帰以覚都得量活藤投退速考判告軍抜男義歌振参題呼害育突望防然"
    "単字団観満備離夜笑松火界病視種朝示京政器異守認替極歩権減改座苦馬約飲居光検友花差熱母試接果説"
    "園院寄細価除念総負官護根修造末再構党容福黒移深破脱習沢越遠由赤弾路科二倒割走助館室段岡必例谷"
    "状存隊欲渡資逃探血師換魔未基球声薬規冷完術証曜復警兵激武注営焼崎映痛型精曲勢編嫌佐端製税葉南"
    "済等服降若載効茶波周散登星両父圧処戻客青給盛傷材温建号働件適短態医非余統首類戸求掛低滅久郎案"
    "提比町暴他図払巻頼軽爆録去程彼遊具御像香技願週射区眠族片局毛毎留春顔夫察独密補継積値米捕丸側"
    "申乱際横率遅押識介談便肉寝千城個児従婚県許派私更商被吉壊船恐領闘聴左橋裏万象遺芸裁司争査撮疑"
    "布与"
)
HANGUL = (
    "이스리지다아사기자어가시라대인수로서도고정나트부전장마드주니구소요상일해제하보원동그미비한성"
    "오신유무진우조의치여모공선세레려연러바화국거프야경관타내위안단문산크실카파터생영방중교학회데"
    "물만재명계발에면히포운르간호당식으분는개용들체피버저행토디래노양반차코심통과감금까워강루남매"
    "배린작임민불출게건음청예입티적종력역직천업군브후현키법질메합더난본결점속태추외은설와달즈두울"
    "초복네올각약박격알판집형살목테져김언증급온말표처할절베돌변너평편머애석플근광승독걸투열색망날"
    "친창란른병페항블커최퍼겨료등갈을환순악림랑권년백준릴클립품담월북따했번특송쳐술없케습름별든손"
    "총졌새런션패밀향누축론참막탄함록벌류령렸충슬육취녀느필침때츠글랜락희극귀채확쿠량황허폭능길철"
    "왕줄혼긴탈얼움범완활를였접던책존착엄족검며쪽늘람슨었몰볼있맞셔것찰골빠견험잡삼숙협된왔봐씨떠"
    "응먹헤암엘캐련풍봉틀휴규잠농넘끼곡염혀찬되싸례익놀링났님폐럼웨같렌엔갑웠혈택징눈빈찾액득콘쓰"
    "압답괴냐널떨뉴퇴팅쟁잘릭받께앞짜죽죄먼슈럽콜억굴써켜잔효쉬홍궁칠또빨꾸훈욕갔닌논턴칭붙뒤십꺼"
    "컨흥혹념쳤풀싱맨힘좌측센셨팔객덕웃헌못벤즐렉척샤홀앙깨겼솔둘탁몬벽낸옥맥줘숨힌빌놓푸폰곳많벨"
    "킨텔컬딩낙율탐몸렇랐밝맛째킹혜냈컴곤납텐짝춘빛획흐핑빙흔럴왜쇼않돼았균끄꼬휘냥뜨꽃찌픽겁램튼"
    "닝밤젠촉둥롭끝좋칼겠닐멋될폴끌틴닥녹릿층짐맹갖윤켓셀앤킬닉랄찍죠롤짓큐촌넷밥묘흘혔졸멘섭뮤뛰"
    "쓸롯"
)


@dataclass(frozen=True)
class Language:
    """What names in one language look like, as chances.

    encodings: of names without a mark, the likelier first: the one of DOS, which the Windows
        Explorer still writes, then the one of Windows.
    common: its letters other than a to z, the commonest first.
    falls_by: how much rarer each letter of ``common`` is than the one before it.
    latin: the fraction of a to z among the letters of a word that has others, too.
    usual: further characters in use, as ``(encoding, first, last lead byte, chance of all)``.
    rare: any other characters, as ``(first, last, chance of all of them together)``.
    prior: logarithm of how often archives are in this language.
    """

    name: str
    encodings: tuple[str, ...]
    common: str
    falls_by: float
    latin: float
    usual: tuple[str, int, int, float] | None = None
    rare: tuple[tuple[str, str, float], ...] = ()
    prior: float = 0.0

    @property
    def is_wide(self) -> bool:
        """Whether it is written in the characters of East Asia, with signs of their width."""
        return self.falls_by > 0.95

    def chances(self) -> dict[str, float]:
        """The logarithm of the chance of each small letter other than a to z."""
        found: dict[str, float] = {}
        for first, last, chance in self.rare:
            letters = [chr(code) for code in range(ord(first), ord(last) + 1)]
            found |= dict.fromkeys(letters, log(chance * (1 - self.latin) / len(letters)))
        left = 1 - sum(chance for _, _, chance in self.rare)
        if self.usual is not None:
            encoding, first_lead, last_lead, chance = self.usual
            pairs = [
                bytes((lead, trail))
                for lead in range(first_lead, last_lead + 1)
                for trail in range(0x40, 0xFF)
            ]
            letters = list("".join(pair.decode(encoding, "ignore") for pair in pairs))
            found |= dict.fromkeys(letters, log(chance * (1 - self.latin) / len(letters)))
            left -= chance
        weights = [self.falls_by**rank for rank in range(len(self.common))]
        scale = left * (1 - self.latin) / sum(weights)
        return found | {
            letter: log(weight * scale) for letter, weight in zip(self.common, weights, strict=True)
        }


_HAN = ("\u4e00", "\u9fff", 0.03)
_KANA = (("\u3041", "\u3096", 0.15), ("\u30a1", "\u30fc", 0.35), ("\uff66", "\uff9f", 0.002), _HAN)
_WESTERN, _CENTRAL, _BALTIC = ("cp850", "cp1252"), ("cp852", "cp1250"), ("cp775", "cp1257")
_CYRILLIC = ("cp866", "cp1251", "koi8_u")


def _latin(name: str, encodings: tuple[str, ...], accents: str, prior: float = 0.0) -> Language:
    return Language(name, encodings, accents, 0.7, 0.82, prior=prior)


def _accented(name: str, encodings: tuple[str, ...], accents: str, prior: float = 0.0) -> Language:
    """A language with more accents, and more kinds of them."""
    return Language(name, encodings, accents, 0.84, 0.76, prior=prior)


def _alphabet(name: str, encodings: tuple[str, ...], letters: str, prior: float = 0.0) -> Language:
    return Language(name, encodings, letters, 0.91, 0.03, prior=prior)


LANGUAGES = (
    Language(
        "Chinese", ("gb18030",), SIMPLIFIED, 0.997, 0.05, ("gb2312", 0xB0, 0xD7, 0.3), (_HAN,)
    ),
    Language("Chinese", ("cp950",), TRADITIONAL, 0.997, 0.05, ("cp950", 0xA4, 0xC0, 0.27), (_HAN,)),
    Language(
        "Japanese", ("cp932",), KANJI, 0.997, 0.05, ("cp932", 0x88, 0x98, 0.15), (*_KANA, _HAN)
    ),
    Language(
        "Korean",
        ("cp949",),
        HANGUL,
        0.994,
        0.1,
        ("euc_kr", 0xB0, 0xC8, 0.08),
        (("\uac00", "\ud7a3", 0.005), (*_HAN[:2], 0.002)),
    ),
    _alphabet("Russian", _CYRILLIC, "оеаинтсрлвкпдмуяыьзбгйчхжюшцфщэёъ"),
    _alphabet("Ukrainian", ("cp1125", *_CYRILLIC), "оаниіртвесклдупмзяьгбчйхюцжшїєфщґ", -1),
    _alphabet("Bulgarian", _CYRILLIC, "аиеотнрсвлкпдмзяъбугчжцхшйщфюьѝ", -1),
    _alphabet("Serbian", ("cp855", "cp1251"), "аиоетнрсвклпдмузбјгчшцжњфхќѓџљђћ", -2),
    _alphabet("Greek", ("cp737", "cp1253"), "ασεοιτνρκπμλυηάίέγδόήωχύθφβώξςζψϊΐϋ"),
    _alphabet("Hebrew", ("cp862", "cp1255"), "יוהרתלמבשאנעםחדקפכסגצטןזךףץ", -2),
    _alphabet("Arabic", ("cp720", "cp1256"), "اليمروتنبةدعسقهفحكأجصشطخزضإثغئذىءظؤآ", -1),
    _alphabet("Persian", ("cp1256",), "ایرنمودهتبسلشکزفگخعقجحپيآصطچغضذظثئكژأ", -2),
    _alphabet("Thai", ("cp874",), "าเรนอีกลิม์ยโตัซบวดสูคงปแชทหฟะจุ่ไฮพ้็ใณืษธถศญฐขภฝฤฉ๊ฏฑำึ๋ฬผฎฆฒๆ", -1.5),
    _latin("German", _WESTERN, "äüöß"),
    _latin("French", _WESTERN, "éèêçôîâàûïœùëü"),
    _latin("Spanish", _WESTERN, "óíáéñúüºª"),
    _accented("Portuguese", _WESTERN, "çãáíéóêõúâôà"),
    _latin("Italian", _WESTERN, "àòèéùì", -4),
    _latin("Swedish", _WESTERN, "äöåé"),
    _latin("Danish", _WESTERN, "øåæé"),
    _latin("Dutch", _WESTERN, "ëéïèóüö", -2),
    _latin("Catalan", _WESTERN, "óàèíòéçúïü", -1.5),
    _accented("Icelandic", _WESTERN, "ðáóíöæþúéýø", -2),
    _accented("Polish", _CENTRAL, "łąęóśćżńź"),
    _accented("Czech", _CENTRAL, "íáěřéčýšžůúňťóď"),
    _accented("Slovak", _CENTRAL, "áíýčšéúťžľôóňäďĺŕ", -1),
    _accented("Hungarian", _CENTRAL, "áéöóőíüúű"),
    _latin("Romanian", _CENTRAL, "ăţşîâ", -2),
    _accented("Croatian", _CENTRAL, "čšžćđ", -0.5),
    _accented("Turkish", ("cp857", "cp1254"), "ıüşğçöâîû"),
    _accented("Lithuanian", _BALTIC, "ėųšžąįūčę", -1.5),
    _accented("Latvian", _BALTIC, "āīēšūņļžķģč", -1.5),
    _accented("Estonian", _BALTIC, "äõüöšž", -2),
)


def is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM"
