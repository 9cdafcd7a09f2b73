package dataset

import (
	"slices"
	"strings"
	"unicode"

	"github.com/mozillazg/go-unidecode"
)

// The words by which columns are known, in the languages customers' files come
// in. They are written as they look after transliteration to ASCII, which is what
// loads make of a header ("клиент" arrives as klient).
var (
	customerWords = weights(1, "customer", "customers", "cust", "client", "clients", "cli", "buyer", "shopper", "user", "users", "usr", "member",
		"subscriber", "visitor", "guest", "household", "debtor", "debitor", "debiteur", "kunde", "kunden", "kundin", "klient", "klienta", "klienty", "klientu",
		"cliente", "clientes", "acheteur", "klant", "kund", "kunder", "kunnr", "kontragent", "kontrahent", "pokupatel", "pokupatelya", "zakazchik",
		"polzovatel", "abonent", "musteri", "asiakas", "zakaznik", "ugyfel", "utilisateur", "usuario", "comprador", "compratore", "utente", "kehu", "yonghu", "guke", "huiyuan", "kd", "debitoren", "debitors").
		add(0.8, "card", "karta", "karte", "loyalty", "account", "acct", "konto", "person", "reviewer", "soldto", "uid").
		add(0.7, "email", "mail").
		add(0.6, "company", "firma", "retailer", "partner", "store", "shop", "outlet", "patient", "student", "organization", "organisation", "tenant")

	productWords = weights(1, "product", "products", "prod", "item", "items", "sku", "article", "artikel", "artikul", "artno", "art", "material", "matnr",
		"goods", "tovar", "tovara", "tovary", "produkt", "produkty", "produktu", "produit", "producto", "prodotto", "produto", "nomenklatura", "izdelie",
		"stockcode", "asin", "isbn", "ean", "gtin", "upc", "plu", "barcode", "urun", "vare", "vara", "tuote", "zbozi", "termek", "shangpin", "chanpin",
		"movie", "film", "book", "song", "track", "course", "recipe", "dish", "articolo", "articulo", "towar", "pid", "iid").
		add(0.7, "stock", "part", "good", "merchandise", "content").
		add(0.5, "title", "service", "model")

	// orderWords name what groups rows and is neither a customer nor a product.
	orderWords = set("order", "orders", "invoice", "transaction", "transactions", "trans", "txn", "receipt", "basket", "cart", "bon", "beleg", "rechnung",
		"bestellung", "auftrag", "commande", "facture", "pedido", "factura", "ordine", "fattura", "zakaz", "zakaza", "chek", "cheka", "nakladnaya", "schet",
		"dokument", "document", "voucher", "ticket", "session", "bill", "faktura", "zamowienie", "paragon", "siparis", "line", "row", "rownum", "rowid", "index",
		"idx", "position", "pos", "stroka", "zeile", "ligne", "record", "purchase", "payment", "shipment", "visit", "event", "trx", "tx", "sale", "serial", "seq")

	idWords = set("id", "ids", "no", "nr", "nbr", "num", "number", "nummer", "numer", "numero", "nomer", "code", "kod", "kodu", "cod", "codigo", "codice", "key", "ref", "uuid", "guid", "hash", "#")

	// attributeWords describe a customer or product without naming one.
	attributeWords = set("name", "names", "fullname", "firstname", "lastname", "desc", "descr", "description", "bezeichnung", "beschreibung", "nazvanie", "naimenovanie",
		"imya", "fio", "nazwa", "nombre", "nom", "nome", "libelle", "category", "categories", "cat", "kategorie", "kategoriya", "kategoria", "categoria", "categorie",
		"subcategory", "group", "gruppe", "gruppa", "grupa", "groupe", "grupo", "class", "type", "typ", "tip", "brand", "marke", "marka", "brend", "marque", "marca",
		"segment", "city", "stadt", "ort", "gorod", "miasto", "ville", "ciudad", "country", "land", "strana", "pays", "pais", "region", "state", "zip", "plz", "postcode",
		"size", "colour", "color", "phone", "telefon", "address", "adresse", "adres", "age", "gender", "sex", "status", "channel", "kanal", "currency",
		"unit", "weight", "comment", "note", "notes", "kommentar", "url", "image", "family", "department", "material_group", "level", "rank", "lat", "lon", "latitude", "longitude",
		"temperature", "humidity", "payment", "method", "language", "device", "flag", "year", "month", "week", "hour", "count", "rating")

	timeWords = weights(1, "date", "datum", "fecha", "tarih", "datetime", "timestamp", "ts", "time", "zeit", "zeitpunkt", "zeitstempel", "datahora", "vremya", "dato", "pvm", "day", "heure", "hora", "moment").
			add(0.9, "data", "at", "when", "den", "tag", "created", "czas", "giorno", "jour", "dia", "unixtime", "epoch")
	// tradeWords make a date the one of the purchase; otherTimes another one.
	tradeWords = set("order", "ordered", "invoice", "purchase", "purchased", "sold", "sale", "sales", "transaction", "event", "bought", "rechnung", "bestell", "kauf", "verkauf",
		"pokupki", "prodazhi", "zakaza", "zakaz", "commande", "achat", "pedido", "compra", "receipt", "beleg", "checkout", "bestellung")
	otherTimes = set("birth", "birthday", "dob", "geburt", "updated", "modified", "changed", "since", "introduced", "delivery", "delivered", "ship", "shipped", "shipping", "due", "expiry", "expires",
		"valid", "registered", "registration", "signup", "launch", "release", "load", "loaded", "import", "imported", "paid", "return", "returned", "cancelled", "lieferung", "rozhdeniya")

	amountWords = set("amount", "amt", "revenue", "sales", "total", "subtotal", "sum", "summa", "summe", "betrag", "umsatz", "montant", "importe", "importo", "valor", "valore", "kwota", "wert",
		"value", "turnover", "spend", "spent", "gross", "net", "netto", "brutto", "vyruchka", "stoimost", "oborot", "bedrag", "belob", "belop", "tutar", "suma", "monto", "chiffre", "wartosc", "jine")
	priceWords    = set("price", "preis", "prix", "precio", "prezzo", "preco", "prijs", "pris", "tsena", "cena", "fiyat", "cost", "kosten", "hinta")
	quantityWords = set("quantity", "qty", "quant", "menge", "anzahl", "kolichestvo", "kol", "quantite", "quantita", "cantidad", "quantidade", "ilosc", "units", "pieces", "pcs", "stueck", "stuck", "stk", "shtuk", "aantal", "antal", "antall", "miktar", "adet", "cnt", "count", "times", "plays", "clicks", "views")
	ratingWords   = set("rating", "score", "stars", "bewertung", "otsenka", "note")
	unitWords     = set("unit", "list", "einzel", "unitaire", "unitario", "unitprice", "per", "stueckpreis", "einzelpreis", "base")
	notValueWords = set("discount", "rabatt", "skidka", "tax", "vat", "mwst", "nds", "rate", "percent", "pct", "share", "stock", "balance", "age", "weight", "year", "month", "day", "hour", "lat", "lon", "latitude", "longitude", "rank", "zip", "phone", "line", "row", "position", "index")
)

type lexicon map[string]float64

func weights(w float64, words ...string) lexicon { return lexicon{}.add(w, words...) }

func (l lexicon) add(w float64, words ...string) lexicon {
	for _, x := range words {
		l[x] = w
	}
	return l
}

func set(words ...string) lexicon { return weights(1, words...) }

// tokens cuts a column name into lower-case ASCII words: at underscores and other
// signs, at changes of case, between letters and digits.
func tokens(name string) []string {
	var out []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			out = append(out, strings.ToLower(string(word)))
			word = nil
		}
	}
	runes := []rune(strings.ReplaceAll(unidecode.Unidecode(name), "'", ""))
	for i, r := range runes {
		switch {
		case r == '#':
			flush()
			out = append(out, "#")
			continue
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
			continue
		case len(word) > 0:
			last := word[len(word)-1]
			next := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if unicode.IsUpper(r) && (unicode.IsLower(last) || unicode.IsUpper(last) && next) || unicode.IsDigit(r) != unicode.IsDigit(last) {
				flush()
			}
		}
		word = append(word, r)
	}
	flush()
	return out
}

// name is a column name as words, and as compounds are spelled.
type name struct {
	tokens  []string
	compact string
}

func nameOf(column string) name {
	t := tokens(column)
	return name{t, strings.Join(t, "")}
}

func (n name) has(l lexicon) bool {
	return slices.ContainsFunc(n.tokens, func(t string) bool { return l[t] > 0 })
}

// weight is how strongly a name says a lexicon's meaning, 0 to 1, and by which
// word: a whole word; a word and an id word grown together ("kundennr",
// "itemcode"); two words that belong together ("stock code").
func (n name) weight(l lexicon) (float64, string) {
	best, word := 0.0, ""
	take := func(w float64, by string) {
		if w > best {
			best, word = w, by
		}
	}
	for i, t := range n.tokens {
		take(l[t], t)
		if i > 0 {
			take(l[n.tokens[i-1]+t], n.tokens[i-1]+t)
		}
		for end := range idWords {
			if stem, ok := strings.CutSuffix(t, end); ok && len(stem) >= 2 {
				take(l[stem], stem)
				take(l[strings.TrimSuffix(stem, "s")], stem)
			}
		}
	}
	return best, word
}

// id reports whether a name says that the column holds ids.
func (n name) id() bool {
	if n.has(idWords) {
		return true
	}
	for _, t := range n.tokens {
		for end := range idWords {
			if stem, ok := strings.CutSuffix(t, end); ok && len(stem) >= 3 && (customerWords[stem] > 0 || productWords[stem] > 0 || orderWords[stem] > 0) {
				return true
			}
		}
	}
	return false
}

// order reports whether a name means an order, a line or another group of rows.
func (n name) order() bool {
	w, _ := n.weight(orderWords)
	return w > 0
}
