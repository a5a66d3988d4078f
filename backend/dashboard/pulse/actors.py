"""Names of threat actors in running text. Pure.

Most actors are named by the rules of those who track them, so that rules find also those that are new: Mandiant's
numbers (APT28, UNC3944, FIN7), Microsoft's weather (Volt Typhoon), CrowdStrike's animals (Scattered Spider),
Proofpoint's and others' numbers (TA505, Storm-0501). Crews and groups that name themselves are listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from backend.dashboard.chat.words import EVERYDAY_ACTORS

_NUMBERED = r"(?:APT-?C?-?|FIN|UNC|TA|TEMP\.|DEV-|Storm-|CL-STA-|CL-UNK-|UAT-|GhostSec-)\d{1,5}\b"
_WEATHER = "Blizzard|Typhoon|Sandstorm|Sleet|Tempest|Tsunami|Flood|Hail|Rain|Cyclone|Dust|Squall"
_ANIMALS = (
    "Bear|Panda|Kitten|Chollima|Spider|Jackal|Leopard|Tiger|Wolf|Buffalo|Crane|Ocelot|Hawk|Lynx|Saiga|Sphinx|Scorpius"
)
_NAMED = r"[A-Z][a-z]+(?:[A-Z][a-z]+)?\s(?:" + _WEATHER + "|" + _ANIMALS + r")\b"
_LISTED = (
    "8Base|Akira|Andariel|Anubis|BianLian|Black Basta|BlackByte|BlackCat|ALPHV|BlackSuit|BlueNoroff|Cactus|Charon|"
    "Cicada3301|Cl0p|Clop|Conti|CyberAv3ngers|Dark Caracal|DarkSide|DragonForce|Embargo|EncryptHub|Equation Group|"
    "Everest|Fog|FunkSec|Gamaredon|Hafnium|HelloKitty|Hunters International|Interlock|Jasper Sleet|Kimsuky|"
    "Lapsus\\$|Lazarus(?: Group)?|Linen Typhoon|LockBit|Lynx|Machete|Medusa|MuddyWater|Mustang Panda|NoName057|"
    "OceanLotus|OilRig|Patchwork|Play|Qilin|RansomHub|REvil|Rhysida|RomCom|Royal|SafePay|Sandworm|Scattered Lapsus|"
    "ShinyHunters|SideCopy|SideWinder|SilverFox|Snatch|Stormous|Termite|Transparent Tribe|Turla|Vice Society|"
    "VanHelsing|Violet Typhoon|Warlock|WarLock|Winnti|WorldLeaks|World Leaks|Yurei"
)
_CREW = re.compile(
    r"^\W{0,2}\s?(?:ransomware|gang|group|hackers|crew|extortion|operators|affiliates?)\b", re.IGNORECASE
)
_ACTOR = re.compile(rf"(?<![\w-])(?:{_NUMBERED}|{_NAMED}|(?:{_LISTED})(?![\w-]))")
_NOT_ACTORS = re.compile(r"^(?:Black|Brown|Polar|Grizzly|Giant|Red|Snow|Teddy|Heavy|Flash|The|This|Acid|Hard|In)\s")


def actors_in(text: str) -> Iterator[str]:
    """Yield the names of actors as they are written, each as often as it stands there."""
    for match in _ACTOR.finditer(text):
        name = " ".join(match[0].split())
        if _NOT_ACTORS.match(name) and name not in ("Black Basta", "Flash Kitten"):
            continue
        if name.lower() in EVERYDAY_ACTORS and not _CREW.match(text[match.end() :]):
            continue
        yield name


def actor_key(name: str) -> str:
    """Return the same key for all ways of writing a name: APT-28 is APT28."""
    folded = name.lower().removesuffix(" group")
    return re.sub(r"(?<=[a-z])-(?=\d)", "", folded)
