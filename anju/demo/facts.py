"""What the first page says about the demo: what is real, what is not, whose data it is."""

#: Stored in the note of the watermark `demo`, a sentence a line.
FACTS = {
    "zh": [
        "这是演示小区，没有真实住户。",
        "真实：用电为伦敦 2013 年 46 户家庭每半小时的实测电量，用水为西班牙 2016—2017 年 46 户家庭"
        "约每小时的水表示数（包含原有的缺口、归零和回跳）。",
        "处理：一户用电与一户用水按用量大小配成一套房屋；日期整周平移到今天为止，星期与钟点不变；"
        "水表连续不动的日子，用电换成该户自己的待机电量。",
        "模拟：姓名、住户、租约、报备离家和门锁记录均由程序生成。",
        "来源：Low Carbon London，UK Power Networks（署名使用）；DAIAD Trial A，CC BY-SA 4.0。",
    ],
    "en": [
        "This is a demo estate; nobody lives here.",
        "Real: the electricity of 46 London households (half-hourly, 2013) and the water registers of 46"
        " Spanish households (about hourly, 2016–2017), with their own gaps, resets and back-jumps.",
        "Changed: an electricity and a water household of like size make a home; dates are moved by whole"
        " weeks so that the year ends today, weekday and hour kept; on days when the water register stood"
        " still the electricity is the home's own standby.",
        "Invented: names, households, leases, absences and door events.",
        "Sources: Low Carbon London, UK Power Networks (attribution); DAIAD Trial A, CC BY-SA 4.0.",
    ],
}
