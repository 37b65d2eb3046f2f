"""Everything the shop may show in public: parts, makes, colours, statuses. No word here names a person."""

MODELS: dict[str, tuple[str, ...]] = {
    "Volkswagen": ("Golf", "Polo", "Passat", "Up", "Caddy"),
    "Opel": ("Corsa", "Astra", "Zafira", "Insignia"),
    "Peugeot": ("107", "208", "308", "Partner"),
    "Renault": ("Twingo", "Megane", "Kangoo", "Captur"),
    "Ford": ("Fiesta", "Focus", "Mondeo", "Transit"),
    "Toyota": ("Yaris", "Aygo", "Corolla", "Prius"),
    "Volvo": ("V40", "V60", "V70", "XC60"),
    "BMW": ("116i", "320d", "X1"),
    "Audi": ("A1", "A3", "A4"),
    "Kia": ("Picanto", "Ceed", "Niro"),
    "Hyundai": ("i10", "i20", "Kona"),
    "Skoda": ("Citigo", "Superb", "Kodiaq"),
}

PARTS: dict[str, tuple[str, ...]] = {
    "remmen": ("Remblokset vooras", "Remblokset achteras", "Remschijf geventileerd", "Handremkabel", "Remslang"),
    "filters": ("Oliefilter", "Luchtfilter", "Interieurfilter", "Brandstoffilter"),
    "verlichting": ("Koplamp links", "Koplamp rechts", "Achterlicht", "Mistlamp", "Ledlampset H7"),
    "motor": ("Distributieset", "Waterpomp", "Bougieset", "Multiriem", "Thermostaat", "Inlaatpakking"),
    "ophanging": ("Schokdemper vooras", "Draagarm", "Stabilisatorstang", "Veerpoot", "Wiellager"),
    "uitlaat": ("Einddemper", "Roetfilter", "Katalysator", "Lambdasonde"),
    "carrosserie": ("Buitenspiegel", "Voorbumper", "Spatbord", "Motorkap", "Deurgreep"),
    "elektra": ("Startaccu", "Dynamo", "Startmotor", "Parkeersensor"),
    "interieur": ("Rubber mattenset", "Stoelhoes", "Versnellingspook", "Kofferbakmat"),
    "onderhoud": ("Motorolie 5W30", "Koelvloeistof", "Ruitenwisserset", "Remvloeistof DOT4"),
}

COLOURS = ("zwart", "grijs", "zilver", "wit", "rood", "blauw", "transparant")
ORDER_STATUSES = ("delivered", "returned", "cancelled", "shipped", "open")
PAYMENT_METHODS = ("ideal", "creditcard", "paypal", "sepa_debit", "bank_transfer")
METHODS_WITH_IBAN = ("ideal", "sepa_debit", "bank_transfer")
PAYMENT_STATUSES = ("paid", "failed")
CARRIERS = ("PostNL", "DHL", "DPD", "GLS")
PROOFS = ("signature", "photo", "neighbour", "parcel_shop", "")
LETTER_KINDS = ("reminder", "second_reminder", "formal_notice", "bkr_notice", "bailiff")
COMPLAINT_CATEGORIES = ("delivery", "product", "invoice", "service", "privacy", "warranty")
PROCEDURES = ("court", "disputes_committee")
TICKET_KINDS = ("question", "repair", "warranty", "return")
MESSAGE_AUTHORS = ("agent", "customer")
PLATFORMS = ("facebook", "instagram", "x", "tiktok")
DIRECTIONS = ("import", "export", "domestic")
REQUEST_RIGHTS = ("access", "rectification", "erasure", "restriction", "portability", "objection")
SUPPLIERS = (
    "Onderdelenhandel Noord B.V.", "Remtechniek Groothandel B.V.", "Autoteile Rhein GmbH", "Pièces Auto Lille SARL",
    "Uitlaatcentrale Midden B.V.", "Lampenimport Zuid B.V.", "Filterhuis N.V.", "Garagebedarf Weser GmbH",
)  # fmt: skip
ACTIONS = ("login", "login_failed", "view_order", "export_report", "change_price", "blocked_break_in")
KINDS_OF_ADDRESS = ("delivery", "billing")


def public_words() -> frozenset[str]:
    """Every value that may be published as it stands, to keep the names of people clear of them."""
    groups = (
        MODELS, *MODELS.values(), PARTS, *PARTS.values(), COLOURS, ORDER_STATUSES, PAYMENT_METHODS, PAYMENT_STATUSES,
        CARRIERS, PROOFS, LETTER_KINDS, COMPLAINT_CATEGORIES, PROCEDURES, TICKET_KINDS, PLATFORMS, DIRECTIONS,
        REQUEST_RIGHTS, SUPPLIERS, ACTIONS, MESSAGE_AUTHORS, KINDS_OF_ADDRESS,
    )  # fmt: skip
    return frozenset(word for group in groups for word in group if word)
