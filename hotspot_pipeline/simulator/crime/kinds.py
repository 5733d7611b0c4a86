"""What kinds of crime there are, how many, and which codes, hours, windows and places they have.

Belongs here: one table of parameters from DOMAIN §8.2 and §8.3, for the county profile (volume 1). Does
not belong here: drawing events from it (`crimes`); what the codes mean
(`data/reference/ho_offence_lookup.csv`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CrimeKind:
    """One kind. `per_year`: expected number at volume 1; `group`: of the six groups of DOMAIN §1.6, or "other"; `codes`: offence codes with their share.

    `surface` names the risk surface, `shape` and `window` the entries of `clock`; `same_day` is the
    share reported on the day; `places` are location types with their share; `reclass` is the share
    that changes class and `becomes` the codes it changes to; `da`, `online`, `alcohol`: shares that
    carry the flag.
    """

    name: str
    per_year: float
    group: str
    codes: Mapping[str, float]
    surface: str
    shape: str
    window: str
    same_day: float
    places: Mapping[str, float]
    reclass: float = 0.0
    becomes: Mapping[str, float] | None = None
    cancel: float = 0.03
    da: float = 0.0
    online: float = 0.0
    alcohol: float = 0.0

    @property
    def per_26_weeks(self) -> float:
        return self.per_year / 2


# fmt: off
_OUT = {"street": 0.62, "licensed_premises": 0.14, "retail": 0.07, "park": 0.06,
        "transport": 0.04, "unknown": 0.07}
_HOME = {"dwelling": 0.94, "other": 0.06}
_ASSAULTS = {"105/01": 0.44, "008/06": 0.36, "008/01": 0.05, "005/01": 0.02, "104/23": 0.03,
             "008/73": 0.04, "003/01": 0.03, "008/57": 0.02, "008/77": 0.01}

KINDS: tuple[CrimeKind, ...] = (
    CrimeKind("violence", 4000, "vap", _ASSAULTS, "vap", "night", "vap", 0.68, _OUT, reclass=0.08,
              becomes={"105/01": 0.33, "008/06": 0.37, "005/01": 0.06, "125/11": 0.14,
                       "195/94": 0.10}, da=0.06, online=0.015, alcohol=0.30),
    CrimeKind("violence_home", 2000, "vap", _ASSAULTS, "homes", "day", "vap", 0.68, _HOME, reclass=0.08,
              becomes={"105/01": 0.45, "008/06": 0.45, "195/94": 0.10}, da=0.86, online=0.15, alcohol=0.18),
    CrimeKind("harassment", 5800, "other", {"195/94": 0.42, "195/41": 0.35, "008/30": 0.05, "195/12": 0.08,
              "008/65": 0.10}, "homes", "day", "theft", 0.60,
              {"dwelling": 0.50, "online": 0.42, "other": 0.08}, da=0.45, online=0.45),
    CrimeKind("public_order", 3200, "public_order", {"125/11": 0.31, "125/09": 0.26, "125/12": 0.25, "125/82": 0.08,
              "008/55": 0.04, "066/01": 0.04, "066/91": 0.02}, "public_order", "night", "public_order",
              0.88, _OUT, reclass=0.05, becomes={"105/01": 0.6, "125/12": 0.4}, alcohol=0.25),
    CrimeKind("damage", 3100, "damage", {"149/00": 0.76, "058/00": 0.20, "058/04": 0.04}, "damage",
              "overnight", "damage", 0.85, {"street": 0.50, "dwelling": 0.22, "car_park": 0.10,
              "retail": 0.08, "school": 0.03, "unknown": 0.07}, reclass=0.02,
              becomes={"056/02": 1.0}),
    CrimeKind("robbery", 220, "robbery", {"034/01": 0.86, "034/02": 0.14}, "robbery", "night", "robbery", 0.92,
              {"street": 0.78, "park": 0.10, "retail": 0.08, "transport": 0.04}, reclass=0.04,
              becomes={"039/00": 0.5, "105/01": 0.5}, cancel=0.06),
    CrimeKind("weapons", 380, "weapons", {"008/26": 0.55, "008/11": 0.35, "008/64": 0.10}, "weapons", "night",
              "public_order", 1.0, {"street": 0.82, "licensed_premises": 0.08, "transport": 0.05,
              "park": 0.05}),
    CrimeKind("shop_theft", 6000, "other", {"046/00": 1.0}, "retail", "shop", "public_order", 0.90,
              {"retail": 1.0}),
    CrimeKind("other_theft", 4200, "other", {"049/10": 0.86, "053/25": 0.14}, "retail", "day", "theft", 0.75,
              {"retail": 0.30, "street": 0.25, "dwelling": 0.20, "other": 0.15, "unknown": 0.10}),
    CrimeKind("person_theft", 500, "other", {"039/00": 1.0}, "robbery", "night", "theft", 0.80,
              {"street": 0.5, "licensed_premises": 0.5}),
    CrimeKind("vehicle_crime", 4200, "other", {"045/10": 0.52, "048/01": 0.24, "126/00": 0.14,
              "130/01": 0.10}, "homes", "overnight", "damage", 0.85,
              {"street": 0.72, "car_park": 0.20, "dwelling": 0.08}),
    CrimeKind("cycle_theft", 500, "other", {"044/00": 1.0}, "retail", "day", "theft", 0.75,
              {"street": 0.6, "transport": 0.25, "dwelling": 0.15}),
    CrimeKind("burglary", 2300, "other", {"028/03": 0.66, "030/02": 0.34}, "homes", "overnight", "damage",
              0.85, {"dwelling": 0.7, "other": 0.3}),
    CrimeKind("drugs", 1400, "other", {"092/61": 0.70, "092/50": 0.14, "092/81": 0.09, "193/05": 0.07},
              "vap", "day", "public_order", 1.0,
              {"street": 0.80, "dwelling": 0.12, "licensed_premises": 0.08}),
    CrimeKind("sexual", 1400, "other", {"020/05": 0.46, "019/08": 0.32, "017/15": 0.08, "088/09": 0.14},
              "homes", "day", "vap", 0.40, {"dwelling": 0.66, "street": 0.16,
              "licensed_premises": 0.10, "other": 0.08}, da=0.3),
    CrimeKind("arson", 250, "other", {"056/02": 0.9, "056/01": 0.1}, "damage", "overnight", "damage", 0.9,
              {"street": 0.6, "park": 0.4}),
    CrimeKind("miscellaneous", 600, "other", {"054/01": 0.25, "033/00": 0.25, "059/11": 0.30,
              "066/98": 0.20}, "homes", "day", "public_order", 0.85,
              {"street": 0.5, "dwelling": 0.4, "other": 0.1}),
)

# What patrols can deter: reported by victims and the public, in public places (DOMAIN §1.6, §8.5).
DETERRABLE_KINDS = ("violence", "public_order", "damage", "robbery")
NOT_PUBLIC = ("dwelling", "online", "police_custody", "hospital", "prison")
# Share of violence recorded at custody, hospital or prison (DOMAIN §8.2): of all violence, homes included, and the
# kind "violence" is two thirds of it.
SITE_NOISE_SHARE = 0.04 * 1.5


def deterrable_share() -> dict[str, float]:
    """By kind of event, the share that is deterrable: in a public place, not domestic, not online; all of ASB."""
    found = {"asb": 1.0}
    for kind in KINDS:
        if kind.name in DETERRABLE_KINDS:
            total = sum(kind.places.values())
            public = sum(share for place, share in kind.places.items() if place not in NOT_PUBLIC) / total
            at_sites = SITE_NOISE_SHARE if kind.name == "violence" else 0.0
            found[kind.name] = public * (1 - at_sites) * (1 - kind.da) * (1 - kind.online)
    return found


# A records system writes its own wording, never the lookup's: the pipeline must not key on it.
OFFENCE_DESCRIPTIONS: Mapping[str, str] = {
    "003/01": "Threat to kill", "005/01": "S18 - GBH with intent", "008/01": "S20 - GBH",
    "008/06": "Assault, ABH (S47)", "008/11": "Poss offensive weapon",
    "008/26": "Poss bladed article", "008/30": "Harassment, fear of violence",
    "008/55": "RRA public order S4A", "008/57": "RRA common assault",
    "008/64": "Threaten with blade", "008/65": "Stalking, fear of violence",
    "008/73": "Assault emergency worker", "008/77": "Non-fatal strangulation",
    "017/15": "Sexual assault, male", "019/08": "Rape, female 16+",
    "020/05": "Sexual assault, female", "028/03": "Burglary dwelling",
    "030/02": "Burglary, business and community", "033/00": "Going equipped",
    "034/01": "Robbery", "034/02": "Assault with intent to rob", "039/00": "Theft from person",
    "044/00": "Theft of cycle", "045/10": "Theft from MV", "046/00": "Shoplifting",
    "048/01": "Theft of MV", "049/10": "Theft other", "053/25": "Bilking",
    "054/01": "Handling stolen goods", "056/01": "Arson, life endangered", "056/02": "Arson",
    "058/00": "Criminal damage", "058/04": "RRA criminal damage", "059/11": "Threat to damage",
    "066/01": "Affray", "066/91": "RRA public order S4", "066/98": "Breach CBO",
    "088/09": "Exposure", "092/50": "Poss class A, cocaine", "092/61": "Poss cannabis",
    "092/81": "PWITS cannabis", "104/23": "Assault PC", "105/01": "Common assault/battery",
    "125/09": "Public order S4A", "125/11": "Public order S4", "125/12": "Public order S5",
    "125/82": "RRA public order S5", "126/00": "Vehicle interference", "130/01": "TWOC",
    "149/00": "Criminal damage, under 5000", "193/05": "Cannabis cultivation",
    "195/12": "Stalking", "195/41": "Malicious communications", "195/94": "Harassment",
}
