"""Word lists for finding topics in headlines: data, no logic.

STOP: words that carry no meaning of their own; a phrase neither begins nor ends with one.
GENERIC: words of the trade; alone, or only among themselves, they name no topic.
EVERYDAY: words that are also names of products in the threat catalogue, or that product names are built from; alone
they are not taken for the product.
EVERYDAY_ACTORS: words that are also names of crews; alone they are not taken for the crew.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP = _words(
    """
    a about above across after again against ago ahead all allegedly almost along already also although always am
    amid among an and another any anyone anything are aren't around as at away back be became because become becomes
    been before behind being below best better between beyond big both but by came can can't cannot come comes
    coming could day days despite did didn't do does doesn't doing don't done down due during each early either else
    end enough even ever every everyone everything few finally find finds first five following for former found four
    from full further get gets getting give given gives go goes going gone good got had has hasn't have haven't
    having he her here here's high him his how however i i'm if in including inside instead into is isn't it it's
    its itself just keep keeps know known knows largest last late later latest least less let let's like likely
    little long look looking looks lot low made make makes making man many may maybe me mean means might million
    billion month months more most much must my near need needs never new newest news next no nobody non none nor
    not nothing now of off often old on once one ones only onto open opens or other others our out outside over own
    part per perhaps place please put puts quite rather re read really recent recently right run runs same saw say
    saying says second see seen sees several shall she should show shows side since six small so some someone
    something soon still such take taken takes taking tell tells ten than thank that that's the their them
    themselves then there there's these they they're thing things think this those thought three through thus time
    times to today told tomorrow too took top toward try trying turn turns two under until up upon us use used uses
    using very via want wants was way ways we we're week weekly weeks well went were what what's when where whether
    which while who who's whole whom whose why will with within without won't work works would year years yes yet
    you you're your yours hn ask part pdf video podcast demo comment comments

    der die das den dem des ein eine einer eines einem einen und oder aber mit von vom zum zur zu im in am an auf
    aus bei bis durch für gegen nach ohne über um unter vor wie wird werden wurde ist sind hat haben nicht auch noch
    mehr nur als dass sich so sie er es wir ihr neue neuen neuer neues jetzt kann können soll will sein seine

    le la les un une des du de et ou mais avec dans par pour sur sans sous est sont pas plus qui que quoi dont au
    aux ce cette ces son sa ses leur leurs se ne

    el los las una unos unas y o pero con del al por para sin sobre es son no más que como su sus se lo

    os um uma uns umas e mas com do da dos das no na nos nas por para sem sob é são não mais que como seu sua se ao
    à às ou foi ser já pelo pela até entre após em aos ano anos num numa
    """
)

GENERIC = _words(
    """
    access account accounts active activity actor actors advisory advisories alert alerts allow allows analysis app
    apps application applications attack attacked attacker attackers attacking attacks authorities authentication
    backdoor breach breached breaches breaking browser bug bugs business bypass campaign campaigns chain ceo ciso
    claim claims cloud code compromise compromised company companies computer confirms control country critical
    crime criminal criminals customer customers cve cves cyber cyberattack cyberattacks cybercrime cybercriminals
    cybersecurity dark data database deal defense department detection detects device devices digital discloses
    disclosed disclosure discovered email emails emergency employee employees encryption endpoint enterprise
    execution experts exploit exploitation exploited exploiting exploits exposed exposes exposing exposure federal
    file files fix fixed fixes flaw flaws fraud free government group groups guide hack hacked hacker hackers
    hacking hacks hit hits hole holes home identity impact impacted impacts incident incidents industry information
    infrastructure intelligence international internet investigation issue issues it joint key law leader leak
    leaked leaks leading linked login major malicious malware management market mass media microsoft's million
    mobile named national network networks online operation operations organization organizations password passwords
    patch patched patches patching people personal phishing plan platform police policy privacy privilege privileges
    product products program protect protection public raises ransomware record records release released releases
    remote report reported reportedly reports research researcher researchers response reveals review risk risks
    scam scams sector secure securing security sensitive server servers service services severe severity site sites
    software spam stealing steal stolen stop strategy study summary support surveillance system systems target
    targeted targeting targets team teams tech technology theft threat threats tool tools trust unpatched update
    updated updates urges user users vendor victim victims vulnerabilities vulnerability vulnerable warn warning
    warns web webinar website websites wild windows' world worldwide worm zero zero-day zero-days
    """
)

EVERYDAY = STOP | _words(
    """
    access active activity administrator adapter agent air analytics animation api app appliance appliances
    application applications apps assistant association auditor auto backup bash basic board bridge browser builder
    business camera cameras center central chart checkbox checkpoint chipsets client cloud code collaboration
    command commerce common community compact component components compute concerto configuration connect connection
    connectivity console content control controller controllers core crowd customer cyber daemon dashboard data
    database dawn defender delivery desktop developer device devices director directory discovery display document
    driver edge edition editions editor education element elements email endpoint engine enterprise exchange
    expedition experience explorer export express extension extensions factory family file files firewall firewalls
    firmware focus font forefront form forms foundation framework frontend function fusion gateway gateways graphics
    group healthcare help helpdesk horizon host http https identity ignite ignition image import industrial
    infrastructure input insight installer intelligence interface internet ip journey kernel kit language layer
    library license licensing line linear link live local log looking glass mail management manager mass media
    memory messenger meta micro middleware mobile model module monitor monitoring multi multiple music neurons
    network networks nexus nice nx object office on-prem online open operations option orion outlook output package
    packages page pages panel partner perl personal phone phones photo pixel plan planning platform player plugin
    point policy portal portals power press prime print printer privileged pro process product products profile
    program progress project prompt protection protocol provider proxy publisher pulse quest quick reader recorder
    recording recovery redis reference registry relay remote repository report reporting resource router routers
    runtime safe salt scanner scheduler screen script sdk search secure security sense sentry server servers service
    services session setup share sharing shell shop sip site smart social software solution solutions source spark
    spreadsheet stack standard station storage store streaming studio suite support surveillance survey switch
    system systems task team teams terminal tool toolbox toolkit tools traffic transfer trusted unified update user
    utah utility vancouver version versa viewer virtual vision visual warp wearables web webmail websites widget
    wireless word work workspace workstation world xp replication superset prettier ietf nostromo expedition
    """
)

EVERYDAY_ACTORS = _words(
    """
    akira anubis cactus charon clop conti embargo everest fog interlock lynx machete medusa patchwork play royal
    snatch termite warlock
    """
)
