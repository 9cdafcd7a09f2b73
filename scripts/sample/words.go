package sample

type category struct {
	name          string
	price         float64 // median, in the company's currency
	subcategories []string
}

var catalogue = []category{
	{"Fasteners", 6, []string{"Wood screws", "Machine screws", "Hex bolts", "Nuts and washers", "Wall anchors", "Threaded rod"}},
	{"Hand tools", 22, []string{"Screwdrivers", "Pliers", "Wrenches", "Hammers", "Measuring", "Saws"}},
	{"Power tools", 140, []string{"Drills", "Grinders", "Circular saws", "Sanders", "Batteries"}},
	{"Electrical", 14, []string{"Cable", "Sockets and switches", "Breakers", "Conduit", "LED lamps", "Terminals"}},
	{"Plumbing", 18, []string{"Pipes", "Fittings", "Valves", "Seals", "Pumps"}},
	{"Safety", 12, []string{"Gloves", "Eye protection", "Helmets", "Footwear", "Hi-vis", "Hearing protection"}},
	{"Paint", 24, []string{"Wall paint", "Wood stain", "Primers", "Brushes and rollers", "Sealants"}},
	{"Adhesives", 9, []string{"Tapes", "Epoxy", "Silicone", "Construction adhesive"}},
	{"Garden", 35, []string{"Irrigation", "Pruning", "Mowers", "Soil and seed", "Snow and ice"}},
	{"Cleaning", 11, []string{"Detergents", "Wipes", "Waste bags", "Dispensers", "Floor care"}},
	{"Office", 8, []string{"Paper", "Writing", "Labels", "Filing", "Toner"}},
	{"Packaging", 16, []string{"Boxes", "Stretch film", "Pallets", "Cushioning", "Strapping"}},
}

var segments = []string{"Construction", "Electrical contractor", "Plumbing contractor", "Manufacturing", "Facility services", "Retail", "Horticulture", "Public sector"}

var trades = []string{"Construction", "Electric", "Plumbing", "Works", "Services", "Trading", "Gardens", "Utilities"}

var brands = []string{"Arvo", "Bexel", "Cordan", "Dunmark", "Elwerk", "Fjord", "Grantek", "Holmar", "Ironvale", "Jutta", "Kestrel", "Lumio", "Nordfix", "Ostra", "Pelikaan", "Quarzo", "Rundal", "Stavro", "Tovra", "Ulmen"}

var sizes = []string{"S", "M", "L", "XL", "2.5 mm", "4 mm", "6 mm", "8 mm", "10 mm", "25 m", "50 m", "100 pcs", "200 pcs", "500 pcs", "1 l", "5 l", "10 l"}

var surnames = []string{"Adler", "Berg", "Castell", "Dahl", "Eklund", "Falk", "Grau", "Hansen", "Ivers", "Jansen", "Kranz", "Lind", "Moreau", "Nowak", "Olsen", "Petrov", "Quist", "Rossi", "Svensson", "Tamm", "Ullman", "Varga", "Weiss", "Ziegler"}

type town struct{ city, country string }

var towns = []town{
	{"Warszawa", "PL"}, {"Berlin", "DE"}, {"Hamburg", "DE"}, {"Wien", "AT"}, {"Praha", "CZ"}, {"Kraków", "PL"}, {"München", "DE"},
	{"Gdańsk", "PL"}, {"Malmö", "SE"}, {"Stockholm", "SE"}, {"København", "DK"}, {"Aarhus", "DK"}, {"Brno", "CZ"}, {"Graz", "AT"},
	{"Köln", "DE"}, {"Wrocław", "PL"}, {"Göteborg", "SE"}, {"Leipzig", "DE"}, {"Poznań", "PL"}, {"Ostrava", "CZ"},
}

var legal = map[string]string{"PL": "Sp. z o.o.", "DE": "GmbH", "AT": "GmbH", "CZ": "s.r.o.", "SE": "AB", "DK": "ApS"}
